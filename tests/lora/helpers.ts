import { type Tensor, type Tensor2D, tf } from "posttrain/backend";
import type { LoraAdapter } from "posttrain/lora";
import { createDecoder, type TransformerDecoder } from "posttrain/model";
import { tiny } from "../model/helpers.js";

/** A fresh small model, each weight of it the same again for the same seed. */
export const freshModel = (architecture: keyof typeof tiny, seed = 1): TransformerDecoder =>
  createDecoder(tiny[architecture], { seed });

/** Two rows of six tokens. */
export const someTokens = (): Tensor2D =>
  tf.tensor2d(
    [
      [3, 14, 15, 9, 26, 5],
      [35, 8, 9, 7, 9, 3],
    ],
    undefined,
    "int32",
  );

/** Moves everything an adapter can learn, as training would: B is no longer 0. */
export function perturb(adapter: LoraAdapter, size = 0.1, phase = 0): void {
  for (const [k, { variable }] of adapter.parameters().entries()) {
    const wave = Float32Array.from(
      { length: variable.size },
      (_, i) => size * Math.sin(1.7 * i + k * k + phase),
    );
    tf.tidy(() => variable.assign(tf.add<Tensor>(variable, tf.tensor(wave, variable.shape))));
  }
}

/** The numbers of a tensor, which is freed. */
export function taken(tensor: Tensor): Float32Array {
  const values = tensor.dataSync() as Float32Array;
  tensor.dispose();
  return values;
}

/** The logits of the model for the same tokens each time. */
export function logits(model: TransformerDecoder): Float32Array {
  const tokens = someTokens();
  const values = taken(model.forward(tokens));
  tokens.dispose();
  return values;
}

export function largestGap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}

/** The base's weights by name, whatever is attached. */
export const baseWeights = (model: TransformerDecoder): Record<string, Float32Array> => {
  const added = new Set(model.adapters.attached.flatMap((adapter) => adapter.parameters()));
  return Object.fromEntries(
    model
      .parameters()
      .filter((parameter) => !added.has(parameter))
      .map(({ name, variable }) => [name, variable.dataSync() as Float32Array]),
  );
};
