/** Decoder-only language models: build, load, save, run, generate. */

export { gelu, silu, swiglu } from "./activation.js";
export type { Adapter, Adapters } from "./adapters.js";
export { attention, type CausalMaskOptions, causalMask } from "./attention.js";
export { type Choice, type ChosenTokens, chooseTokens } from "./choose-tokens.js";
export { type Architecture, type DecoderConfig, type DecoderSizes, decoderConfig } from "./config.js";
export { type CreateOptions, createDecoder } from "./create.js";
export {
  type Decoder,
  type DecoderParts,
  type ForwardOptions,
  type PassInput,
  TransformerDecoder,
} from "./decoder.js";
export type { DecodingInput, DecodingOutput } from "./decoding-step.js";
export {
  type FinishReason,
  type GenerateOptions,
  type Generation,
  type GenerationStep,
  generate,
  generateStream,
} from "./generate.js";
export { byAutodiff, withGradient } from "./gradient.js";
export type { Linear, LinearAdapter, WeightLayout } from "./linear.js";
export { loadDecoder } from "./load.js";
export type { Memory } from "./memory.js";
export { type ModelName, modelPath } from "./model-path.js";
export { layerNorm, rmsNorm } from "./norm.js";
export { inUse, moduleOf, type Parameter } from "./parameter.js";
export type { Prompts } from "./prompts.js";
export { type RotaryAngles, rotaryAngles, rotate } from "./rotary.js";
export { drawToken, nextTokenProbabilities, type SamplingOptions } from "./sampling.js";
export { type SaveOptions, saveDecoder } from "./save.js";
export type { PassContext } from "./self-attention.js";
export { requireKnownTokens } from "./token-ids.js";
