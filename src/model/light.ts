import { type Tensor, tf } from "../backend/tf.js";
import { withGradient } from "./gradient.js";

/** a + b of one shape. `tf.add` keeps both for the backward pass, which needs neither. */
export const added = <T extends Tensor>(a: T, b: T): T =>
  withGradient([a, b], () => ({
    value: tf.add<T>(a, b),
    saved: [],
    gradient: (dy: T) => [tf.clone(dy), tf.clone(dy)],
  }));

/** x with a bias added to every row. `tf.add` would keep x. */
export const biased = <T extends Tensor>(x: T, bias: Tensor): T =>
  withGradient([x, bias], () => ({
    value: tf.add<T>(x, bias),
    saved: [],
    gradient: (dy: T) => [tf.clone(dy), tf.sum(dy, 0)],
  }));

/** `tf.reshape`, which keeps x for the sake of its shape. */
export function reshaped<T extends Tensor>(x: Tensor, shape: T["shape"]): T {
  const before = x.shape;
  return withGradient([x], () => ({
    value: tf.reshape(x, shape) as T,
    saved: [],
    gradient: (dy: T) => [tf.reshape(dy, before)],
  }));
}
