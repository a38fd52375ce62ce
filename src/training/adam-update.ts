import { type NativeBackend, nativeBackend, updateInPlace } from "../backend/index.js";
import { type Scalar, type Tensor, tf, type Variable } from "../backend/tf.js";

/** A parameter and its running means. */
export interface AdamVariables {
  /** θ */
  variable: Variable;
  /** m, the running mean of the gradient. */
  mean: Variable;
  /** v, the running mean of its square. */
  square: Variable;
}

/** The other quantities of one update of one parameter. */
export interface AdamQuantities {
  /** Makes g, clipped. */
  gradient: () => Tensor;
  /** 1 − β₁ and 1 − β₂, or 0 to leave m and v as they are. */
  take1: Scalar;
  take2: Scalar;
  /** η √(1−β₂ᵗ) / (1−β₁ᵗ), or 0 to leave θ as it is. */
  stepSize: Scalar;
  /** ε √(1−β₂ᵗ) */
  epsilon: Scalar;
  /** 1 − ηλ, where weights decay. */
  shrink: Scalar | undefined;
}

/** The update of OPT-1, written out. */
export function updateByFormula({ variable, mean, square }: AdamVariables, quantities: AdamQuantities): void {
  const { gradient, take1, take2, stepSize, epsilon, shrink } = quantities;
  const g = gradient();
  const m = tf.add(mean, tf.mul(tf.sub(g, mean), take1));
  const v = tf.add(square, tf.mul(tf.sub(tf.square(g), square), take2));
  const direction = tf.div(m, tf.add(tf.sqrt(v), epsilon));
  const shrunk = shrink ? tf.mul(variable, shrink) : variable;
  mean.assign(m);
  square.assign(v);
  variable.assign(tf.sub(shrunk, tf.mul(direction, stepSize)));
}

/** The same by two of TensorFlow's operations, which need no memory beside the variables'. */
export function updateInResources(
  { variable, mean, square }: AdamVariables,
  quantities: AdamQuantities,
): void {
  const { gradient, take1, take2, stepSize, epsilon, shrink } = quantities;
  const { binding } = nativeBackend() as NativeBackend;
  const type = (name: string, value: number) => ({ name, type: binding.TF_ATTR_TYPE, value });
  if (shrink) {
    const everyRow = () => [tf.range(0, variable.shape[0] as number, 1, "int32"), shrink];
    const types = [type("dtype", binding.TF_FLOAT), type("Tindices", binding.TF_INT32)];
    updateInPlace("ResourceScatterMul", [variable], everyRow, types);
  }
  const none = tf.scalar(0); // β₁ᵗ and β₂ᵗ, of which the step size takes care
  const keep = (take: Scalar): Tensor => tf.sub(1, take);
  const inputs = () => [none, none, stepSize, keep(take1), keep(take2), epsilon, gradient()];
  updateInPlace("ResourceApplyAdam", [variable, mean, square], inputs, [type("T", binding.TF_FLOAT)]);
}
