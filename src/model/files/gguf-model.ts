import * as z from "zod";
import { DataError } from "../../errors.js";
import type { TensorFile } from "../../files/index.js";
import { type DecoderConfig, decoderConfig } from "../config.js";

const count = z.int().positive();

/** Metadata of a llama-like model, its keys without the architecture's name in front. */
const sizes = z.object({
  block_count: count,
  context_length: count,
  embedding_length: count,
  feed_forward_length: count,
  "attention.head_count": count,
  "attention.head_count_kv": count.optional(),
  "attention.key_length": count.optional(),
  "attention.layer_norm_rms_epsilon": z.number().positive(),
  "rope.dimension_count": count.optional(),
  "rope.freq_base": z.number().positive().default(10_000),
  "rope.scaling.type": z.literal("none").optional(),
});

const architecture = z.enum(["llama", "qwen2"]);
const tokenId = z.int().nonnegative().optional();

/**
 * The configuration of a GGUF model of the Llama or Qwen2 architecture.
 *
 * @throws {DataError} naming the metadata key that is missing, wrong, or asks for something that we do not compute
 */
export function ggufConfig(file: TensorFile): DecoderConfig {
  const read = <T>(key: string, schema: z.ZodType<T>) => parse(file, key, schema, file.metadata.get(key));
  const family = read("general.architecture", architecture);
  const prefix = `${family}.`;
  const own = [...file.metadata].filter(([key]) => key.startsWith(prefix));
  const unprefixed = Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
  const model = parse(file, prefix, sizes, unprefixed);
  const heads = model["attention.head_count"];
  const headSize = model["attention.key_length"] ?? model.embedding_length / heads;
  requirePlainRope(file, model["rope.dimension_count"] ?? headSize, headSize);

  const bosTokenId = read("tokenizer.ggml.bos_token_id", tokenId);
  const eosTokenId = read("tokenizer.ggml.eos_token_id", tokenId);
  const padTokenId = read("tokenizer.ggml.padding_token_id", tokenId);
  return decoderConfig({
    architecture: family,
    vocabSize: embeddingRows(file),
    contextLength: model.context_length,
    hiddenSize: model.embedding_length,
    layers: model.block_count,
    heads,
    keyValueHeads: model["attention.head_count_kv"] ?? heads,
    headSize,
    intermediateSize: model.feed_forward_length,
    normEpsilon: model["attention.layer_norm_rms_epsilon"],
    rotaryBase: model["rope.freq_base"],
    tiedEmbeddings: !file.tensors.has("output.weight"),
    attentionBias: file.tensors.has("blk.0.attn_q.bias"),
    mlpBias: file.tensors.has("blk.0.ffn_up.bias"),
    ...(bosTokenId !== undefined && { bosTokenId }),
    ...(eosTokenId !== undefined && { eosTokenId }),
    ...(padTokenId !== undefined && { padTokenId }),
  });
}

/** Names outside the blocks. */
const outerNames: ReadonlyMap<string, string> = new Map([
  ["token_embd", "model.embed_tokens"],
  ["output_norm", "model.norm"],
  ["output", "lm_head"],
]);

/** Names inside block N, behind `blk.N.` and `model.layers.N.`. */
const blockNames: ReadonlyMap<string, string> = new Map([
  ["attn_norm", "input_layernorm"],
  ["attn_q", "self_attn.q_proj"],
  ["attn_k", "self_attn.k_proj"],
  ["attn_v", "self_attn.v_proj"],
  ["attn_output", "self_attn.o_proj"],
  ["ffn_norm", "post_attention_layernorm"],
  ["ffn_gate", "mlp.gate_proj"],
  ["ffn_up", "mlp.up_proj"],
  ["ffn_down", "mlp.down_proj"],
]);

/** `blk.3.attn_q.weight` → `model.layers.3.self_attn.q_proj.weight`; undefined for a tensor that is no weight of ours. */
export function huggingFaceName(gguf: string): string | undefined {
  const inBlock = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(gguf);
  if (inBlock) {
    const [, layer, part = "", kind] = inBlock;
    const name = blockNames.get(part);
    return name && `model.layers.${layer}.${name}.${kind}`;
  }
  const [part = "", kind] = gguf.split(".");
  const name = outerNames.get(part);
  return name && `${name}.${kind}`;
}

/**
 * Undoes what llama.cpp does to the query and key projections of Llama models: it turns neighbouring pairs (2i, 2i + 1)
 * where Hugging Face turns i with i + headSize/2, so within each head the rows lie in another order.
 *
 * @param values `[heads · headSize, columns]`, or `[heads · headSize]` for a bias
 * @returns a new array with row `2i + j` of every head at `j · headSize/2 + i`
 * @source llama.cpp, `convert_hf_to_gguf.py`, `LlamaModel.permute`
 */
export function unpermuteHeads(values: Float32Array, heads: number, headSize: number): Float32Array {
  const columns = values.length / (heads * headSize);
  const half = headSize / 2;
  const out = new Float32Array(values.length);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < headSize; row++) {
      const from = (head * headSize + row) * columns;
      const to = head * headSize + (row % 2) * half + (row >> 1);
      out.set(values.subarray(from, from + columns), to * columns);
    }
  }
  return out;
}

function embeddingRows(file: TensorFile): number {
  const [rows] = file.tensors.get("token_embd.weight")?.shape ?? [];
  if (rows !== undefined) return rows;
  throw new DataError(`${file.path} has no tensor "token_embd.weight"`, {
    code: "model/missing-tensor",
    value: "token_embd.weight",
    hint: "This GGUF holds no model, perhaps only a vocabulary or an adapter.",
  });
}

function requirePlainRope(file: TensorFile, turned: number, headSize: number): void {
  const isScaled = file.tensors.has("rope_freqs.weight");
  if (!isScaled && turned === headSize) return;
  throw new DataError(`${file.path} uses a rotary embedding that is not supported`, {
    code: "model/bad-config",
    value: isScaled ? "rope_freqs.weight" : turned,
    hint: "Only plain rotary angles over the whole head are computed: no scaled (Llama 3.1) and no partial rope.",
  });
}

function parse<T>(file: TensorFile, key: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new DataError(`${file.path}: metadata "${key}${issue?.path.join(".")}": ${issue?.message}`, {
    code: "model/bad-config",
    value: `${key}${issue?.path.join(".")}`,
    hint: "GGUF models of the llama and qwen2 architectures can be read.",
    cause: parsed.error,
  });
}
