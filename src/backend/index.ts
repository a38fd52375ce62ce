export { BackendError, type CompileRoute } from "./candidate.js";
export { CheckError, CheckResult, check, type Numbers } from "./check.js";
export * from "./compile/index.js";
export type { BackendName } from "./names.js";
export { type NativeAttribute, type NativeBackend, nativeBackend } from "./native.js";
export { Random, type RandomState } from "./random.js";
export { BackendReport, type PassedOver } from "./report.js";
export * from "./tf.js";
export { useBackend } from "./use-backend.js";
