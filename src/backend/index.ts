export { BackendError, type CompileRoute } from "./candidate.js";
export { CheckError, CheckResult, check, type Numbers } from "./check.js";
export type { BackendName } from "./names.js";
export { Random, type RandomState } from "./random.js";
export { BackendReport, type PassedOver } from "./report.js";
export * from "./tf.js";
export { useBackend } from "./use-backend.js";
