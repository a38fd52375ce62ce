import { OptionError } from "../errors.js";

/** The families this library knows; each fixes the names of the weights and the usual building blocks. */
export type Architecture = "gpt2" | "llama" | "qwen2";

/** Everything that shapes a decoder-only transformer. All sizes are counts, not bytes. */
export interface DecoderConfig {
  architecture: Architecture;
  vocabSize: number;
  /** The longest sequence the model was made for, in tokens. */
  contextLength: number;
  /** Width of the residual stream. */
  hiddenSize: number;
  /** Number of transformer blocks. */
  layers: number;
  /** Query heads. */
  heads: number;
  /** Key and value heads; fewer than `heads` is grouped-query attention. */
  keyValueHeads: number;
  /** Width of one head. */
  headSize: number;
  /** Width inside the feed-forward layer. */
  intermediateSize: number;
  norm: "layerNorm" | "rmsNorm";
  /** Added to the variance (or mean square) before the root. */
  normEpsilon: number;
  positions: "learned" | "rotary";
  /** θ of the rotary angles `position · θ^(−2i/headSize)`. Unused with learned positions. */
  rotaryBase: number;
  /** `"gelu"` is GPT-2's tanh approximation; `"swiglu"` gates SiLU of one projection with another. */
  activation: "gelu" | "swiglu";
  /** Whether the output head is the token embedding itself. */
  tiedEmbeddings: boolean;
  /** Biases of the query, key and value projections, and in GPT-2 and Llama of the output projection too. */
  attentionBias: boolean;
  /** Biases of the feed-forward projections. */
  mlpBias: boolean;
  bosTokenId?: number;
  /** Several ids when any of them ends an answer. */
  eosTokenId?: number | number[];
  padTokenId?: number;
}

/** What must be said about a new decoder; the rest follows from its architecture. */
export type DecoderSizes = Pick<
  DecoderConfig,
  "architecture" | "vocabSize" | "contextLength" | "hiddenSize" | "layers" | "heads"
> &
  Partial<DecoderConfig>;

/**
 * A complete, checked configuration from the sizes that matter.
 *
 * GPT-2: LayerNorm, learned positions, GELU of width 4·hidden, biases everywhere, tied embeddings.
 * Llama and Qwen2: RMSNorm, rotary positions, SwiGLU of width ⅔·4·hidden rounded up to a multiple of 8;
 * Qwen2 has biases on the query, key and value projections.
 *
 * @throws {OptionError} naming the first size that cannot be
 */
export function decoderConfig(sizes: DecoderSizes): DecoderConfig {
  const isGpt2 = sizes.architecture === "gpt2";
  const { hiddenSize, heads } = sizes;
  const config: DecoderConfig = {
    keyValueHeads: heads,
    headSize: hiddenSize / heads,
    intermediateSize: isGpt2 ? 4 * hiddenSize : Math.ceil(hiddenSize / 3) * 8,
    norm: isGpt2 ? "layerNorm" : "rmsNorm",
    normEpsilon: isGpt2 ? 1e-5 : 1e-6,
    positions: isGpt2 ? "learned" : "rotary",
    rotaryBase: 10_000,
    activation: isGpt2 ? "gelu" : "swiglu",
    tiedEmbeddings: true,
    attentionBias: sizes.architecture !== "llama",
    mlpBias: isGpt2,
    ...sizes,
  };
  requireConsistent(config);
  return config;
}

function requireConsistent(config: DecoderConfig): void {
  if (!["gpt2", "llama", "qwen2"].includes(config.architecture)) {
    throw refuse("architecture", config.architecture, 'Use "gpt2", "llama" or "qwen2".');
  }
  const counts = [
    "vocabSize",
    "contextLength",
    "hiddenSize",
    "layers",
    "heads",
    "keyValueHeads",
    "headSize",
    "intermediateSize",
  ] as const;
  for (const name of counts) {
    const value = config[name];
    if (!Number.isInteger(value) || value < 1) {
      throw refuse(name, value, "Sizes are whole numbers of at least 1; heads must divide hiddenSize.");
    }
  }
  const isGpt2 = config.architecture === "gpt2";
  const parts: Partial<DecoderConfig> = {
    norm: isGpt2 ? "layerNorm" : "rmsNorm",
    positions: isGpt2 ? "learned" : "rotary",
    activation: isGpt2 ? "gelu" : "swiglu",
    ...(isGpt2 && { attentionBias: true, mlpBias: true, headSize: config.hiddenSize / config.heads }),
    ...(config.architecture === "qwen2" && { attentionBias: true, mlpBias: false }),
  };
  for (const [name, expected] of Object.entries(parts)) {
    const value = config[name as keyof DecoderConfig];
    if (value === expected) continue;
    throw refuse(name, value, `In the ${config.architecture} family it is ${JSON.stringify(expected)}.`);
  }
  if (config.heads % config.keyValueHeads !== 0) {
    throw refuse("keyValueHeads", config.keyValueHeads, `It must divide heads (${config.heads}).`);
  }
  if (config.positions === "rotary" && config.headSize % 2 !== 0) {
    throw refuse("headSize", config.headSize, "Rotary positions turn pairs, so the head size must be even.");
  }
  if (isGpt2 && config.keyValueHeads !== config.heads) {
    throw refuse("keyValueHeads", config.keyValueHeads, "GPT-2 has as many key heads as query heads.");
  }
}

const refuse = (name: string, value: unknown, hint: string): OptionError =>
  new OptionError(`The decoder's ${name} cannot be ${JSON.stringify(value)}`, {
    code: "model/bad-config",
    value,
    hint,
  });
