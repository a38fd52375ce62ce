import { qr, type Random, svd } from "../backend/index.js";
import { type Tensor2D, tf } from "../backend/tf.js";
import type { LoraInitialisation } from "./config.js";

/** Where training starts from. The caller owns the tensors. */
export type Start = {
  /** A, `[r, in]`. */
  a: Tensor2D;
  /** B, `[out, r]`. */
  b: Tensor2D;
  /** What is left of W for the frozen part, `[out, in]`; absent where that is all of it. */
  residual?: Tensor2D;
};

/**
 * The first A and B.
 *
 * $$ \begin{aligned}
 *   \text{kaiming:}\quad & A_{ij} \sim \mathcal U\bigl[-\tfrac1{\sqrt{k}}, \tfrac1{\sqrt{k}}\bigr],\; B = 0 &
 *   \text{gaussian:}\quad & A_{ij} \sim \mathcal N(0, \tfrac1{r^2}),\; B = 0 \\
 *   \text{PiSSA:}\quad & A = \sqrt{\Sigma_r / s}\, V_r^\top,\; B = U_r \sqrt{\Sigma_r / s} &
 *   \text{OLoRA:}\quad & A = R_r,\; B = Q_r
 * \end{aligned} \tag{LORA-3} $$
 *
 * for W of shape d × k. With the last two the frozen weight is $W - s\,BA$, so that the sum is W again.
 *
 * @param weight W, `[out, in]`, stays the caller's
 * @param scale  s
 * @param random what A is drawn from
 * @source PEFT 0.21.2; Meng et al. 2024 (PiSSA); Büyükakyüz 2024 (OLoRA)
 */
export function initialise(
  kind: LoraInitialisation,
  weight: Tensor2D,
  r: number,
  scale: number,
  random: Random,
): Start {
  const [out, width] = weight.shape;
  if (kind === "kaiming" || kind === "gaussian") {
    const draw =
      kind === "kaiming" ? () => (2 * random.uniform() - 1) / Math.sqrt(width) : () => random.normal() / r;
    const values = new Float32Array(r * width);
    for (let i = 0; i < values.length; i++) values[i] = draw();
    return { a: tf.tensor2d(values, [r, width]), b: tf.zeros([out, r]) };
  }
  return tf.tidy(() => {
    const { a, b } = kind === "pissa" ? principal(weight, r, scale) : orthonormal(weight, r);
    return { a, b, residual: tf.sub<Tensor2D>(weight, tf.mul(tf.matMul(b, a), scale)) };
  });
}

function principal(weight: Tensor2D, r: number, scale: number): { a: Tensor2D; b: Tensor2D } {
  const { u, s, v } = svd(weight);
  const [out, width] = weight.shape;
  const root = tf.sqrt(tf.div(tf.slice(s, 0, r), scale)); // [r]
  return {
    a: tf.transpose(tf.mul<Tensor2D>(tf.slice(v, [0, 0], [width, r]), root)),
    b: tf.mul<Tensor2D>(tf.slice(u, [0, 0], [out, r]), root),
  };
}

function orthonormal(weight: Tensor2D, r: number): { a: Tensor2D; b: Tensor2D } {
  const { q, r: upper } = qr(weight);
  const [out, width] = weight.shape;
  return { a: tf.slice(upper, [0, 0], [r, width]), b: tf.slice(q, [0, 0], [out, r]) };
}
