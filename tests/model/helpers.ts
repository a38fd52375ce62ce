import { join } from "node:path";
import { type Tensor, tf } from "posttrain/backend";
import type { DecoderSizes } from "posttrain/model";

/** The largest absolute difference of two tensors of the same shape. */
export function largestDifference(a: Tensor, b: Tensor): number {
  tf.util.assertShapesMatch(a.shape, b.shape);
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] ?? Number.NaN);
}

export const tiny = {
  gpt2: {
    architecture: "gpt2",
    vocabSize: 41,
    contextLength: 24,
    hiddenSize: 16,
    layers: 2,
    heads: 4,
  },
  llama: {
    architecture: "llama",
    vocabSize: 41,
    contextLength: 24,
    hiddenSize: 24,
    layers: 2,
    heads: 6,
    keyValueHeads: 2,
    tiedEmbeddings: false,
  },
  qwen2: {
    architecture: "qwen2",
    vocabSize: 41,
    contextLength: 24,
    hiddenSize: 16,
    layers: 2,
    heads: 4,
    keyValueHeads: 2,
  },
} as const satisfies Record<string, DecoderSizes>;

/** A model that golden/model.py wrote. */
export const goldenFolder = (name: string): string => join(import.meta.dirname, "../golden/model", name);
