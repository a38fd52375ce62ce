import { qr, svd } from "../backend/index.js";
import { type Tensor2D, tf } from "../backend/tf.js";
import type { Factors } from "./plain-factors.js";

/** An adapter's part of one projection, w·s·BA: its factors, and its weight times its scale. */
export interface Weighted extends Factors {
  factor: number;
}

/** Σ wᵢsᵢBᵢAᵢ exactly, of the ranks' sum. Call it within `tf.tidy`. */
export const concatenated = (parts: readonly Weighted[]): Factors => ({
  a: tf.concat(
    parts.map(({ a, factor }) => tf.mul<Tensor2D>(a, factor)),
    0,
  ),
  b: tf.concat(
    parts.map(({ b }) => b),
    1,
  ),
});

/**
 * The nearest product of a given rank. The full matrix is never formed: with B = Q₁R₁ and Aᵀ = Q₂R₂ the singular
 * values of BA are those of R₁R₂ᵀ, which is as small as the ranks' sum. Call it within `tf.tidy`.
 */
export function nearest(parts: readonly Weighted[], rank: number): Factors {
  const { a, b } = concatenated(parts);
  const [left, right] = [qr(b), qr(tf.transpose(a))];
  const { u, s, v } = svd(tf.matMul(left.r, right.r, false, true));
  const kept = Math.min(rank, s.shape[0]);
  const first = (vectors: Tensor2D): Tensor2D => tf.slice(vectors, [0, 0], [vectors.shape[0], kept]);
  return {
    a: tf.transpose(tf.matMul<Tensor2D>(right.q, first(v))),
    b: tf.matMul<Tensor2D>(left.q, tf.mul(first(u), tf.slice(s, 0, kept))),
  };
}

/** Factors added to factors: the product has cross terms BᵢAⱼ. Call it within `tf.tidy`. */
export function summed(parts: readonly Weighted[]): Factors {
  const root = ({ factor }: Weighted) => Math.sqrt(Math.abs(factor));
  return {
    a: tf.addN(parts.map((part) => tf.mul<Tensor2D>(part.a, Math.sign(part.factor) * root(part)))),
    b: tf.addN(parts.map((part) => tf.mul<Tensor2D>(part.b, root(part)))),
  };
}

/** The same product of a larger rank: what is added is zero. Call it within `tf.tidy`. */
export function padded({ a, b }: Factors, rank: number): Factors {
  const missing = rank - a.shape[0];
  if (missing === 0) return { a, b };
  return {
    a: tf.pad(a, [
      [0, missing],
      [0, 0],
    ]),
    b: tf.pad(b, [
      [0, 0],
      [0, missing],
    ]),
  };
}
