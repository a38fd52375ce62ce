import { type Tensor, tf } from "../backend/tf.js";
import { withGradient } from "./gradient.js";

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/**
 * The Gaussian error linear unit in GPT-2's tanh form (`gelu_new` in transformers).
 *
 * $$ \operatorname{GELU}(x) = \tfrac12 x \Bigl(1 + \tanh\bigl(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\bigr)\Bigr)
 *    \tag{ACT-1} $$
 *
 * @param x any shape
 * @source Hendrycks & Gimpel 2016
 */
export function gelu<T extends Tensor>(x: T): T {
  return withGradient([x], () => {
    const squared = tf.square(x);
    const bend = tf.tanh(tf.mul(tf.mul(x, tf.add(tf.mul(squared, CUBIC), 1)), SQRT_2_OVER_PI));
    return {
      value: tf.mul<T>(tf.mul(x, 0.5), tf.add(bend, 1)),
      saved: [x, bend],
      gradient: (dy, x: Tensor, bend: Tensor) => {
        // With t = tanh(u): ½(1 + t) + ½·x·(1 − t²)·u′
        const slope = tf.mul(tf.add(tf.mul(tf.square(x), 3 * CUBIC), 1), SQRT_2_OVER_PI);
        const curve = tf.mul(tf.mul(x, tf.sub(1, tf.square(bend))), slope);
        return [tf.mul(dy, tf.mul(tf.add(tf.add(bend, 1), curve), 0.5))];
      },
    };
  });
}

/**
 * The sigmoid linear unit, also called swish.
 *
 * $$ \operatorname{SiLU}(x) = x\,\sigma(x) \tag{ACT-2} $$
 *
 * @param x any shape
 */
export function silu<T extends Tensor>(x: T): T {
  return tf.mul(x, tf.sigmoid(x));
}

/**
 * The gated unit of Llama's feed-forward layer.
 *
 * $$ \operatorname{SwiGLU}(g, u) = \operatorname{SiLU}(g) \odot u \tag{ACT-3} $$
 *
 * @param gate g, any shape
 * @param up   u, of the same shape
 * @source Shazeer 2020
 */
export function swiglu<T extends Tensor>(gate: T, up: T): T {
  return withGradient([gate, up], () => ({
    value: tf.mul(silu(gate), up),
    saved: [gate, up],
    gradient: (dy, gate: Tensor, up: Tensor) => {
      const open = tf.sigmoid(gate);
      const active = tf.mul(gate, open);
      // SiLU′(g) = σ(g) + SiLU(g)·(1 − σ(g))
      const slope = tf.add(open, tf.mul(active, tf.sub(1, open)));
      return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, active)];
    },
  }));
}
