import { type Tensor, tf, type Variable } from "../backend/tf.js";

/** A variable of zeros, made where the tensor is kept. No gradient is taken for it. The caller owns it. */
export const zeroVariable = (like: Tensor): Variable => tf.tidy(() => tf.variable(tf.zerosLike(like), false));
