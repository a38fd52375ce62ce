import { type Tensor, tf } from "../backend/tf.js";

/**
 * Computes something from a tensor of the tape without the tape: nothing is recorded, nothing is kept for a
 * backward pass, and no gradient flows. For metrics read beside a loss.
 */
export function withoutGradient<In extends Tensor, Out extends Tensor>(x: In, fn: (x: In) => Out): Out {
  const detached = tf.customGrad((...inputs) => ({
    value: fn(inputs[0] as In),
    gradFunc: () => [tf.zeros(x.shape)],
  }));
  return detached(x) as Out;
}
