import { type ColumnTable, from } from "arquero";
import { type Tensor2D, tf } from "../backend/tf.js";
import { breathe, stopSignal } from "../training/index.js";
import { type Change, isFactors, shapeOf, using, type WeightChange } from "./change.js";
import { placeOf } from "./place.js";
import type { WalkOptions } from "./spectrum.js";

/**
 * ‖ΔW‖_F, scalar, without forming the product of factors:
 *
 * $$ \|s\,BA\|_F^2 = s^2 \operatorname{tr}\bigl((B^\top B)(A A^\top)\bigr) \tag{RANK-8} $$
 *
 * @param change stays the caller's
 * @returns a scalar that the caller owns
 */
export function changeNorm(change: Change): tf.Scalar {
  shapeOf(change);
  return tf.tidy(() => {
    if (!isFactors(change)) return tf.norm(change) as tf.Scalar;
    const { a, b, scale } = change;
    const squared = tf.sum<tf.Scalar>(tf.mul(tf.matMul(b, b, true), tf.matMul(a, a, false, true)));
    return tf.mul(tf.sqrt(tf.relu(squared)), Math.abs(scale)); // rounding may push a zero below zero
  });
}

/**
 * How far training moved every weight. Columns: `path`, `layer`, `module`, `frobenius_norm` (‖ΔW‖_F), `weight_norm`
 * (‖W₀‖_F) and `relative_norm` (their ratio); the last two are null where W₀ is not known.
 */
export async function normTable(
  changes: readonly WeightChange[],
  { signal }: WalkOptions = {},
): Promise<ColumnTable> {
  const rows = [];
  for (const weight of changes) {
    await breathe(stopSignal(signal));
    const norm = await using(weight.change(), (change) => read(changeNorm(change)));
    const original = weight.before
      ? await using(weight.before(), (before) => read(changeNorm(before)))
      : null;
    rows.push({
      ...placeOf(weight.path),
      frobenius_norm: norm,
      weight_norm: original,
      relative_norm: original ? norm / original : null,
    });
  }
  return from(rows);
}

/** The number in a scalar, which is freed. */
export const read = (scalar: tf.Tensor): Promise<number> =>
  using(scalar, async () => (await scalar.data())[0] ?? Number.NaN);

/** ‖UᵀWV‖_F: how much of a matrix lies in the directions of U `[out, k]` and V `[in, k]`; scalar, the caller's. */
export const projectedNorm = (weight: Tensor2D, u: Tensor2D, v: Tensor2D): tf.Scalar =>
  tf.tidy(() => tf.norm(tf.matMul(tf.matMul(u, weight, true), v)) as tf.Scalar);
