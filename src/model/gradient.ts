import { type Tensor, tf } from "../backend/tf.js";

/** What an operation with a hand-written gradient says about itself. */
export interface Differentiable<T extends Tensor, S extends Tensor[]> {
  value: T;
  /** The few tensors the gradient needs; all other intermediates are freed at once. */
  saved: [...S];
  /** One gradient for each input, in order, from the gradient of the value and what was saved. */
  gradient(dy: T, ...saved: S): Tensor[];
}

let handWritten = true;

/**
 * Computes `forward` and differentiates it by its hand-written gradient instead of through its steps,
 * so that the tape keeps only what `saved` names.
 *
 * @param inputs what the gradient is taken for
 */
export function withGradient<T extends Tensor, S extends Tensor[]>(
  inputs: Tensor[],
  forward: () => Differentiable<T, S>,
): T {
  if (!handWritten) return forward().value;
  const operation = tf.customGrad<T>((...args) => {
    const { value, saved, gradient } = forward();
    const save = args.at(-1) as tf.GradSaveFunc;
    save(saved);
    return {
      value,
      gradFunc: (dy, kept) => tf.tidy(() => gradient(dy, ...(kept as S))),
    };
  });
  return operation(...inputs);
}

/**
 * Runs `body` with every hand-written gradient switched off: TensorFlow.js then differentiates the
 * formulas themselves. Slower, needs more memory, and gives the same numbers: what the tests check.
 */
export function byAutodiff<T>(body: () => T): T {
  const before = handWritten;
  handWritten = false;
  try {
    return body();
  } finally {
    handWritten = before;
  }
}
