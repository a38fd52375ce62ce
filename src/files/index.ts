/** The files that weights come in: safetensors and GGUF. No tensors of TensorFlow.js, no models. */

export { openGguf } from "./gguf.js";
export { replaceFile } from "./replace-file.js";
export { openSafetensors, type SafetensorsFile } from "./safetensors.js";
export {
  type FloatType,
  type TensorEntry,
  type WriteSafetensorsOptions,
  writeSafetensors,
} from "./safetensors-write.js";
export { damagedFile, type MetadataValue, type TensorFile, type TensorInfo } from "./tensor-file.js";
