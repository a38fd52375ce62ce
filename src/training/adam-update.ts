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
  /** ηλ, where weights decay, or 0 to leave θ as it is. */
  decay: Scalar | undefined;
}

/** The update of OPT-1, written out. */
export function updateByFormula({ variable, mean, square }: AdamVariables, quantities: AdamQuantities): void {
  const { gradient, take1, take2, stepSize, epsilon, decay } = quantities;
  const g = gradient();
  const m = tf.add(mean, tf.mul(tf.sub(g, mean), take1));
  const v = tf.add(square, tf.mul(tf.sub(tf.square(g), square), take2));
  const direction = tf.div(m, tf.add(tf.sqrt(v), epsilon));
  const shrunk = decay ? tf.sub(variable, tf.mul(variable, decay)) : variable;
  mean.assign(m);
  square.assign(v);
  variable.assign(tf.sub(shrunk, tf.mul(direction, stepSize)));
}

/**
 * The same by two of TensorFlow's operations, which change the variables in their own memory. Operations on some rows
 * of a variable, which could shrink it without a copy, would have every later reading of it make one.
 */
export function updateInResources(
  { variable, mean, square }: AdamVariables,
  quantities: AdamQuantities,
): void {
  const { gradient, take1, take2, stepSize, epsilon, decay } = quantities;
  const { TF_ATTR_TYPE, TF_FLOAT } = (nativeBackend() as NativeBackend).binding;
  const float = (name: string) => [{ name, type: TF_ATTR_TYPE, value: TF_FLOAT }];
  if (decay) {
    updateInPlace("AssignSubVariableOp", [variable], () => [tf.mul(variable, decay)], float("dtype"));
  }
  const none = tf.scalar(0); // β₁ᵗ and β₂ᵗ, of which the step size takes care
  const keep = (take: Scalar): Tensor => tf.sub(1, take);
  const inputs = () => [none, none, stepSize, keep(take1), keep(take2), epsilon, gradient()];
  updateInPlace("ResourceApplyAdam", [variable, mean, square], inputs, float("T"));
}
