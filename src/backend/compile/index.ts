export {
  type CompiledStep,
  type CompileOptions,
  type CompileStats,
  compileStep,
  type Tensors,
} from "./compile-step.js";
export { canUpdateInPlace, updateInPlace } from "./in-place.js";
export { CompileError } from "./refusal.js";
