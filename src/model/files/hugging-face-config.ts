import * as z from "zod";
import { DataError } from "../../errors.js";
import { type DecoderConfig, decoderConfig } from "../config.js";

const count = z.int().positive();
const tokenId = z.int().nonnegative().nullish();

const specialTokens = z.object({
  bos_token_id: tokenId,
  eos_token_id: z.union([z.int().nonnegative(), z.array(z.int().nonnegative())]).nullish(),
  pad_token_id: tokenId,
});

const gpt2 = specialTokens.extend({
  vocab_size: count,
  n_positions: count.default(1024),
  n_embd: count,
  n_layer: count,
  n_head: count,
  n_inner: count.nullish(),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  activation_function: z.enum(["gelu_new", "gelu_pytorch_tanh", "gelu_fast"]).default("gelu_new"),
  tie_word_embeddings: z.boolean().default(true),
  scale_attn_weights: z.literal(true).default(true),
  scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
});

/** Only plain rotary angles: a scaled rope would read well and compute wrongly. */
const rope = z.object({
  rope_type: z.literal("default").optional(),
  type: z.literal("default").optional(),
  rope_theta: z.number().positive().optional(),
});

const llama = specialTokens.extend({
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  max_position_embeddings: count.default(2048),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_scaling: rope.nullish(),
  rope_parameters: rope.nullish(),
  hidden_act: z.literal("silu").default("silu"),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(false),
  use_sliding_window: z.literal(false).default(false),
});

const modelType = z.looseObject({ model_type: z.string() });

/**
 * Reads the `config.json` of a GPT-2, Llama or Qwen2 model.
 *
 * @param source names the file in errors
 * @throws {DataError} naming the field, when it is missing, wrong, or asks for something that we do not compute
 */
export function fromHuggingFace(value: unknown, source: string): DecoderConfig {
  const type = parse(modelType, value, source).model_type;
  if (type === "gpt2") return checked(source, () => fromGpt2(parse(gpt2, value, source)));
  if (type === "llama" || type === "qwen2") {
    return checked(source, () => fromLlama(type, parse(llama, value, source)));
  }
  throw new DataError(`${source}: models of the type "${type}" are not supported`, {
    code: "model/unknown-architecture",
    value: type,
    hint: "Decoders of the types gpt2, llama and qwen2 can be loaded.",
  });
}

function fromGpt2(file: z.infer<typeof gpt2>): DecoderConfig {
  return decoderConfig({
    architecture: "gpt2",
    vocabSize: file.vocab_size,
    contextLength: file.n_positions,
    hiddenSize: file.n_embd,
    layers: file.n_layer,
    heads: file.n_head,
    intermediateSize: file.n_inner ?? 4 * file.n_embd,
    normEpsilon: file.layer_norm_epsilon,
    tiedEmbeddings: file.tie_word_embeddings,
    ...tokenIds(file),
  });
}

function fromLlama(architecture: "llama" | "qwen2", file: z.infer<typeof llama>): DecoderConfig {
  return decoderConfig({
    architecture,
    vocabSize: file.vocab_size,
    contextLength: file.max_position_embeddings,
    hiddenSize: file.hidden_size,
    layers: file.num_hidden_layers,
    heads: file.num_attention_heads,
    keyValueHeads: file.num_key_value_heads ?? file.num_attention_heads,
    headSize: file.head_dim ?? file.hidden_size / file.num_attention_heads,
    intermediateSize: file.intermediate_size,
    normEpsilon: file.rms_norm_eps,
    rotaryBase: file.rope_parameters?.rope_theta ?? file.rope_theta ?? 10_000,
    tiedEmbeddings: file.tie_word_embeddings,
    attentionBias: architecture === "qwen2" || file.attention_bias,
    mlpBias: file.mlp_bias,
    ...tokenIds(file),
  });
}

function tokenIds(file: z.infer<typeof specialTokens>): Partial<DecoderConfig> {
  return {
    ...(file.bos_token_id != null && { bosTokenId: file.bos_token_id }),
    ...(file.eos_token_id != null && { eosTokenId: file.eos_token_id }),
    ...(file.pad_token_id != null && { padTokenId: file.pad_token_id }),
  };
}

/** The `config.json` that transformers reads back as the same model. */
export function toHuggingFace(config: DecoderConfig): Record<string, unknown> {
  const common = {
    vocab_size: config.vocabSize,
    tie_word_embeddings: config.tiedEmbeddings,
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: config.eosTokenId ?? null,
    pad_token_id: config.padTokenId ?? null,
    // The names of both generations of transformers.
    torch_dtype: "float32",
    dtype: "float32",
  };
  if (config.architecture === "gpt2") {
    return {
      architectures: ["GPT2LMHeadModel"],
      model_type: "gpt2",
      n_positions: config.contextLength,
      n_embd: config.hiddenSize,
      n_layer: config.layers,
      n_head: config.heads,
      n_inner: config.intermediateSize,
      layer_norm_epsilon: config.normEpsilon,
      activation_function: "gelu_new",
      ...common,
    };
  }
  const isLlama = config.architecture === "llama";
  return {
    architectures: [isLlama ? "LlamaForCausalLM" : "Qwen2ForCausalLM"],
    model_type: config.architecture,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    head_dim: config.headSize,
    max_position_embeddings: config.contextLength,
    rms_norm_eps: config.normEpsilon,
    rope_theta: config.rotaryBase,
    hidden_act: "silu",
    ...(isLlama && { attention_bias: config.attentionBias, mlp_bias: config.mlpBias }),
    ...common,
  };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, source: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join(".");
  throw new DataError(`${source}: ${field || "the file"}: ${issue?.message}`, {
    code: "model/bad-config",
    value: field,
    hint: "The config.json must be one that transformers writes for a gpt2, llama or qwen2 model, without scaled rope, sliding windows or other activations.",
    cause: parsed.error,
  });
}

/** Sizes that contradict each other are the file's fault, so the error names the file. */
function checked(source: string, read: () => DecoderConfig): DecoderConfig {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`${source}: ${cause instanceof Error ? cause.message : cause}`, {
      code: "model/bad-config",
      value: source,
      hint: "The sizes in the file contradict each other.",
      cause,
    });
  }
}
