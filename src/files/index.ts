export { openGguf } from "./gguf.js";
export type { MetadataValue, TensorFile, TensorInfo } from "./tensor-file.js";
