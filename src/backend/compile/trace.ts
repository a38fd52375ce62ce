import type { NativeBackend } from "../native.js";
import { type Tensor, tf, type Variable } from "../tf.js";
import type { Graph } from "./program.js";
import { type Feed, Recorder } from "./recorder.js";

/** Tensors by name; an absent one is left out. */
export type TensorRecord = Readonly<Record<string, Tensor | undefined>>;

/** A step written down as a graph. */
export interface Trace {
  readonly graph: Graph;
  readonly feeds: readonly Feed[];
  /** Names of the returned tensors, in the order of the graph's first outputs. */
  readonly results: readonly string[];
  /** The variables whose new values are the graph's further outputs, as long as it does not change them itself. */
  readonly updates: readonly Variable[];
}

/**
 * Goes through a step once to learn what it does. Its numbers are not those of a run: only what shapes may depend on
 * is computed. Nothing of it stays: its results are freed, and every variable that it assigned gets its old value back.
 *
 * @param inPlace whether the graph changes variables itself; otherwise it returns their new values
 * @throws {CompileError} when the step does what a graph cannot repeat
 */
export function trace(
  backend: NativeBackend,
  step: (inputs: TensorRecord) => TensorRecord,
  inputs: TensorRecord,
  { constants, inPlace }: { constants: readonly Tensor[]; inPlace: boolean },
): Trace {
  const variables = Object.values(tf.engine().registeredVariables);
  separate(backend, variables, constants);
  const recorder = new Recorder(backend, variables, constants, { inPlace });
  let traced: Trace | undefined;
  try {
    tf.tidy(() => {
      const own = ownHandles(backend, inputs);
      for (const [name, tensor] of Object.entries(own)) recorder.addInput(name, tensor);
      recorder.record(() => {
        const results = present(step(own));
        const updates = inPlace ? [] : [...recorder.assigned.keys()];
        const graph = recorder.finish([...Object.values(results), ...updates]);
        traced = { graph, feeds: recorder.feeds, results: Object.keys(results), updates };
      });
    });
    return traced as unknown as Trace;
  } finally {
    for (const [variable, before] of recorder.assigned) {
      variable.assign(before);
      before.dispose();
    }
  }
}

/** The tensors that are there. */
export const present = (record: TensorRecord): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, Tensor] => entry[1] !== undefined),
  );

/**
 * Gives each variable a native tensor of its own (of the same memory) where several share one, as a variable and
 * the copy it was made from do: in the graph they must be told apart, since only one of them may be assigned.
 */
function separate(
  backend: NativeBackend,
  variables: readonly Variable[],
  constants: readonly Tensor[],
): void {
  const seen = new Set<object>(constants.map(({ dataId }) => dataId));
  for (const variable of variables) {
    if (seen.has(variable.dataId) && backend.tensorMap.has(variable.dataId)) {
      const own = ownHandle(backend, variable);
      variable.assign(own);
      own.dispose();
    }
    seen.add(variable.dataId);
  }
}

/** New tensors of the same memory, so that an input is told apart from whatever else it may be. */
function ownHandles(backend: NativeBackend, inputs: TensorRecord): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(present(inputs)).map(([name, tensor]) => [name, ownHandle(backend, tensor)]),
  );
}

function ownHandle(backend: NativeBackend, tensor: Tensor): Tensor {
  const type = {
    name: "T",
    type: backend.binding.TF_ATTR_TYPE,
    value: backend.getDTypeInteger(tensor.dtype),
  };
  return backend.executeSingleOutput("Identity", [type], [tensor]);
}
