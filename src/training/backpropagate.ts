import { eraseTape, recordTape, walkBack } from "../backend/index.js";
import { type Scalar, type Tensor, tf, type Variable } from "../backend/tf.js";
import { TrainingError } from "./errors.js";

/**
 * Reverse-mode differentiation of a scalar by many variables: `tf.variableGrads`, except that everything is
 * freed as soon as the backward pass is done with it, which for a language model is more memory than the weights.
 *
 * @param loss its tensors are tidied
 * @throws {TrainingError} when the loss depends on none of the variables
 * @returns the loss, and the gradient of each variable it depends on, by the variable's name; the caller owns both
 */
export function backpropagate(
  loss: () => Scalar,
  variables: readonly Variable[],
): { value: Scalar; gradients: Record<string, Tensor> } {
  return tf.tidy(() => {
    const { value, tape } = recordTape(loss);
    try {
      const gradients = walkBack(tape, value, tf.onesLike(value), variables);
      const named = variables.map(({ name }, i) => [name, gradients[i]] as const);
      const found = named.filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
      if (found.length === 0) throw unconnected(variables);
      return { value, gradients: Object.fromEntries(found) };
    } finally {
      eraseTape(tape);
    }
  });
}

const unconnected = (variables: readonly Variable[]): TrainingError =>
  new TrainingError("the loss does not depend on any of the weights to train", {
    code: "training/no-gradient",
    value: variables.map(({ name }) => name),
    hint: "Compute the loss inside the function, from the trainable parameters.",
  });
