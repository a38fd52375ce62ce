import { type Tensor2D, type Tensor4D, tf } from "../backend/tf.js";
import { withGradient } from "./gradient.js";

/** Cosines and signed sines of every position's angles, both `[batch or 1, time, 1, headSize]`. */
export interface RotaryAngles {
  cos: Tensor4D;
  /** −sin in the first half of a head, +sin in the second: the sign of the half it is multiplied with. */
  sin: Tensor4D;
}

/**
 * The angles by which rotary position embedding turns the pairs of a head.
 *
 * $$ \varphi_{t,i} = t \cdot \theta^{-2i/d}, \qquad i = 0 \dots d/2 - 1 \tag{ROPE-1} $$
 *
 * @param positions t, `[batch or 1, time]`
 * @param headSize  d
 * @param base      θ
 */
export function rotaryAngles(positions: Tensor2D, headSize: number, base: number): RotaryAngles {
  const frequencies = Array.from({ length: headSize / 2 }, (_, i) => base ** ((-2 * i) / headSize));
  const [batch, time] = positions.shape;
  const angles = tf.mul(
    tf.reshape(tf.cast(positions, "float32"), [batch, time, 1, 1]),
    tf.tensor1d([...frequencies, ...frequencies]),
  ) as Tensor4D; // [batch, time, 1, headSize]
  const signs = tf.tensor1d(frequencies.map(() => -1).concat(frequencies.map(() => 1)));
  return { cos: tf.cos(angles), sin: tf.mul(tf.sin(angles), signs) };
}

/**
 * Rotary position embedding: turns the pair $(x_i, x_{i+d/2})$ of every head by its angle, so that the
 * product of a query and a key depends on their distance alone.
 *
 * $$ x'_i = x_i \cos\varphi_i - x_{i+d/2} \sin\varphi_i, \qquad
 *    x'_{i+d/2} = x_{i+d/2} \cos\varphi_i + x_i \sin\varphi_i \tag{ROPE-2} $$
 *
 * @param x `[batch, time, heads, headSize]`
 * @source Su et al. 2021; the pairing of halves is that of Llama in transformers
 */
export function rotate(x: Tensor4D, { cos, sin }: RotaryAngles): Tensor4D {
  return withGradient([x], () => ({
    value: tf.add<Tensor4D>(tf.mul(x, cos), tf.mul(swapHalves(x), sin)),
    saved: [cos, sin],
    // A rotation's gradient is the rotation back.
    gradient: (dy, cos: Tensor4D, sin: Tensor4D) => [tf.add(tf.mul(dy, cos), swapHalves(tf.mul(dy, sin)))],
  }));
}

function swapHalves(x: Tensor4D): Tensor4D {
  const [first, second] = tf.split(x, 2, 3) as [Tensor4D, Tensor4D];
  return tf.concat([second, first], 3);
}
