import { type Scalar, type Tensor, tf } from "../backend/tf.js";
import type { Parameter } from "../model/index.js";
import { backpropagate } from "./backpropagate.js";
import { TrainingError } from "./errors.js";

/** One gradient for every trainable parameter that the loss depends on, by the parameter's name. */
export type Gradients = Record<string, Tensor>;

/** What a pure loss returns: the loss, and everything else worth knowing about the batch. */
export type LossOutputs = { loss: Scalar };

export interface ValueAndGradients<Outputs extends LossOutputs> {
  loss: Scalar;
  /** The other outputs, by name. No gradient flows through them. */
  aux: Omit<Outputs, "loss">;
  gradients: Gradients;
}

/**
 * Differentiates `fn().loss` by the trainable parameters and hands back the other outputs, so that nothing is
 * computed twice for the sake of a chart.
 *
 * $$ g = \nabla_\theta \, \mathcal L(\theta) $$
 *
 * @param parameters the frozen ones among them get no gradient
 * @param fn         a pure function of the parameters; its tensors are tidied, its outputs are kept
 * @returns tensors that the caller owns: dispose of them, or call within `tf.tidy`
 * @throws {TrainingError} when no parameter is trainable
 */
export function valueAndGradients<Outputs extends LossOutputs & { [name in keyof Outputs]: Tensor }>(
  parameters: readonly Parameter[],
  fn: () => Outputs,
): ValueAndGradients<Outputs> {
  const trainable = parameters.filter((parameter) => parameter.trainable);
  if (trainable.length === 0) {
    throw new TrainingError("no parameter is trainable", {
      code: "training/nothing-to-train",
      value: parameters.map(({ name }) => name),
      hint: "Set `trainable` of at least one parameter, or add an adapter.",
    });
  }

  const kept: Record<string, Tensor> = {};
  try {
    const { value, gradients } = backpropagate(
      () => {
        const { loss, ...aux } = fn();
        for (const [name, tensor] of Object.entries<Tensor>(aux)) kept[name] = tf.keep(tf.clone(tensor));
        return loss;
      },
      trainable.map(({ variable }) => variable),
    );
    const named: Gradients = {};
    for (const { name, variable } of trainable) {
      const gradient = gradients[variable.name];
      if (gradient) named[name] = gradient;
    }
    return { loss: value, aux: handOver(kept) as Omit<Outputs, "loss">, gradients: named };
  } finally {
    tf.dispose(kept);
  }
}

/** Clones share the data but belong to the scope of the caller, as results of any tfjs function do. */
const handOver = (tensors: Record<string, Tensor>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tf.clone(tensor)]));
