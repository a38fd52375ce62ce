import { type Tensor, tf } from "./tf.js";

/** What ran while tfjs's tape was on, in order, with what the gradients of each operation need. */
export type Tape = ReturnType<typeof tf.engine>["state"]["activeTape"];
type TapeNode = Tape[number];

/** Whether what runs now is recorded to be differentiated. */
export function isTapeOn(): boolean {
  const { gradientDepth, kernelDepth } = tf.engine().state;
  return gradientDepth > 0 && kernelDepth === 0;
}

/**
 * Runs `compute` with a tape of its own. Its tensors are tidied, except those that gradients need.
 *
 * @returns the tape and the value; the caller owns both, and frees the tape by `eraseTape`
 */
export function recordTape<T extends Tensor>(compute: () => T): { value: T; tape: Tape } {
  const { state } = tf.engine();
  const { activeTape: outerTape, gradientDepth: outerDepth } = state;
  const tape: Tape = [];
  state.activeTape = tape;
  state.gradientDepth = 1;
  try {
    return { value: tf.tidy(compute), tape };
  } catch (error) {
    eraseTape(tape);
    throw error;
  } finally {
    state.activeTape = outerTape;
    state.gradientDepth = outerDepth;
  }
}

/** Frees what a tape keeps for gradients. */
export function eraseTape(tape: Tape): void {
  for (const { saved } of tape) tf.dispose(saved);
}

/**
 * Reverse-mode differentiation along a tape. What an operation kept for its gradient is freed once that gradient
 * is known, and so is the gradient of its result; tfjs holds all of both until the very end.
 *
 * @param output what is differentiated
 * @param slope  of the output: the gradient of whatever is made of it
 * @param sources by what it is differentiated; none of them is made by the tape's operations
 * @returns one gradient for each source, in order; `undefined` where the output does not depend on it. The caller
 *   owns them
 */
export function walkBack(
  tape: Tape,
  output: Tensor,
  slope: Tensor,
  sources: readonly Tensor[],
): (Tensor | undefined)[] {
  const dependent = dependentOn(sources, tape);
  const wanted = new Set(sources.map(({ id }) => id));
  const gradients = new Map<number, Tensor>([[output.id, tf.clone(slope)]]);

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
  return sources.map(({ id }) => gradients.get(id));
}

/** Ids of all tensors on the tape that a change of the sources would change. */
function dependentOn(sources: readonly Tensor[], tape: Tape): Set<number> {
  const ids = new Set(sources.map(({ id }) => id));
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
