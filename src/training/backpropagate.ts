import { type Scalar, type Tensor, tf, type Variable } from "../backend/tf.js";
import { TrainingError } from "./errors.js";

type TapeNode = ReturnType<typeof tf.engine>["state"]["activeTape"][number];

/**
 * Reverse-mode differentiation of a scalar by many variables: `tf.variableGrads`, except that everything is
 * freed as soon as the backward pass is done with it. What an operation kept for its gradient goes once that
 * gradient is known, and so does the gradient of its result; tfjs holds all of both until the very end, which
 * for a language model is more memory than the weights.
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
    const { value, tape } = record(loss);
    try {
      return { value, gradients: walkBack(value, tape, variables) };
    } finally {
      for (const { saved } of tape) tf.dispose(saved);
    }
  });
}

/** Runs `loss` with tfjs's tape on, and takes the tape away from tfjs. */
function record(loss: () => Scalar): { value: Scalar; tape: TapeNode[] } {
  const { state } = tf.engine();
  const { activeTape: outerTape, gradientDepth: outerDepth } = state;
  const tape: TapeNode[] = [];
  state.activeTape = tape;
  state.gradientDepth = 1;
  try {
    return { value: tf.tidy(loss), tape };
  } catch (error) {
    for (const { saved } of tape) tf.dispose(saved);
    throw error;
  } finally {
    state.activeTape = outerTape;
    state.gradientDepth = outerDepth;
  }
}

function walkBack(value: Scalar, tape: TapeNode[], variables: readonly Variable[]): Record<string, Tensor> {
  const dependent = dependentOn(variables, tape);
  const wanted = new Set(variables.map(({ id }) => id));
  const gradients = new Map<number, Tensor>([[value.id, tf.onesLike(value)]]);

  for (const node of [...tape].reverse()) {
    const arriving = node.outputs.map(({ id }) => gradients.get(id));
    const inputs = Object.entries(node.inputs).filter(([, { id }]) => dependent.has(id));
    if (inputs.length > 0 && arriving.some((gradient) => gradient)) {
      const leaving = gradientsOf(node, arriving, inputs);
      inputs.forEach(([, { id }], i) => {
        accumulate(gradients, id, leaving[i] as Tensor);
      });
    }
    node.outputs.forEach(({ id }, i) => {
      if (wanted.has(id)) return;
      arriving[i]?.dispose();
      gradients.delete(id);
    });
    tf.dispose(node.saved);
  }
  const named = variables.map(({ id, name }) => [name, gradients.get(id)] as const);
  const found = named.filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  if (found.length === 0) throw unconnected(variables);
  return Object.fromEntries(found);
}

/** Ids of all tensors on the tape that a change of the variables would change. */
function dependentOn(variables: readonly Variable[], tape: TapeNode[]): Set<number> {
  const ids = new Set(variables.map(({ id }) => id));
  for (const { inputs, outputs } of tape) {
    if (!Object.values(inputs).some(({ id }) => ids.has(id))) continue;
    for (const { id } of outputs) ids.add(id);
  }
  return ids;
}

/** The gradients of these inputs of one operation, from those of its outputs. Only what is asked for is computed. */
function gradientsOf(node: TapeNode, arriving: (Tensor | undefined)[], inputs: [string, Tensor][]): Tensor[] {
  if (!node.gradient) throw new Error(`No gradient is known for the operation ${node.kernelName}`);
  const { gradient } = node;
  return tf.tidy(() => {
    const byInput = gradient(arriving as Tensor[]);
    // A gradient may be the arriving tensor itself, which is about to be freed.
    return inputs.map(([name]) => tf.clone((byInput[name] as () => Tensor)()));
  });
}

function accumulate(gradients: Map<number, Tensor>, id: number, gradient: Tensor): void {
  const before = gradients.get(id);
  gradients.set(id, before ? tf.add(before, gradient) : gradient);
  if (before) tf.dispose([before, gradient]);
}

const unconnected = (variables: readonly Variable[]): TrainingError =>
  new TrainingError("the loss does not depend on any of the weights to train", {
    code: "training/no-gradient",
    value: variables.map(({ name }) => name),
    hint: "Compute the loss inside the function, from the trainable parameters.",
  });
