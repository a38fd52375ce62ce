/** Decoders on disk: Hugging Face folders and GGUF files, seen alike. */

export { type Checkpoint, type CheckpointTensor, openCheckpoint } from "./checkpoint.js";
export { fromHuggingFace, toHuggingFace } from "./hugging-face-config.js";
