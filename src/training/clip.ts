import { nativeBackend } from "../backend/index.js";
import { type Scalar, type Tensor, tf } from "../backend/tf.js";
import type { Gradients } from "./value-and-gradients.js";

export interface ClippedGradients {
  gradients: Gradients;
  /** ‖g‖ before clipping, scalar. */
  norm: Scalar;
}

/**
 * Length of all gradients taken together as one vector.
 *
 * $$ \lVert g \rVert = \sqrt{\textstyle\sum_i \lVert g_i \rVert^2} $$
 *
 * @returns scalar. The caller owns it.
 */
export function globalNorm(gradients: Gradients): Scalar {
  return tf.tidy(() => {
    return tf.sqrt(tf.addN(Object.values(gradients).map(squaredLength)));
  });
}

/**
 * Shortens the gradients, all by the same factor, when together they are longer than `maxNorm`.
 *
 * $$ g \leftarrow g \cdot \min\!\left(1, \frac{c}{\lVert g \rVert + 10^{-6}}\right) $$
 *
 * @param maxNorm c; 0 or infinity leaves the gradients as they are
 * @returns new tensors that the caller owns; the given gradients stay the caller's
 * @source Pascanu et al. 2013; the 10⁻⁶ is that of `torch.nn.utils.clip_grad_norm_`
 */
export function clipByGlobalNorm(gradients: Gradients, maxNorm: number): ClippedGradients {
  return tf.tidy(() => {
    const norm = globalNorm(gradients);
    const factor = clippingFactor(norm, maxNorm);
    const clipped = Object.entries(gradients).map(([name, gradient]): [string, Tensor] => [
      name,
      tf.mul(gradient, factor),
    ]);
    return { gradients: Object.fromEntries(clipped), norm };
  });
}

/** min(1, c / (‖g‖ + 10⁻⁶)), scalar. */
export function clippingFactor(norm: Scalar, maxNorm: number): Scalar {
  if (maxNorm === 0 || maxNorm === Number.POSITIVE_INFINITY) return tf.onesLike(norm);
  return tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
}

/** ‖x‖², scalar. TensorFlow's library has it as one operation, which needs no memory for the squares. */
function squaredLength(x: Tensor): Scalar {
  const native = nativeBackend();
  if (!native) return tf.sum(tf.square(x));
  const { TF_ATTR_TYPE, TF_FLOAT } = native.binding;
  const half = native.executeSingleOutput(
    "L2Loss",
    [{ name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT }],
    [x],
  );
  return tf.mul(half, 2);
}
