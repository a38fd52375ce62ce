import type { NativeBackend } from "../native.js";
import { type Tensor, tf, type Variable } from "../tf.js";
import type { Graph } from "./program.js";
import { type Feed, Recorder } from "./recorder.js";
import { type TensorRecord, tensorsOf } from "./tensor-record.js";

/** A step written down as a graph. */
export interface Trace {
  readonly graph: Graph;
  readonly feeds: readonly Feed[];
  /** Names of the returned tensors, in the order of the graph's first outputs. */
  readonly results: readonly string[];
  /** The variables whose new values are the graph's further outputs, as long as it does not change them itself. */
  readonly updates: readonly Variable[];
}

export interface TraceOptions {
  constants: readonly Tensor[];
  /** Whether the graph changes variables itself; otherwise it returns their new values. */
  inPlace: boolean;
  /** Whether stand-ins take the place of results that are costly to compute. */
  standIns: boolean;
}

/**
 * Goes through a step once to learn what it does. Its numbers are not those of a run: only what shapes may depend on
 * is computed. Nothing of it stays: its results are freed, and every variable that it assigned gets its old value back.
 *
 * @throws {CompileError} when the step does what a graph cannot repeat
 */
export function trace(
  backend: NativeBackend,
  step: (inputs: TensorRecord) => unknown,
  inputs: TensorRecord,
  { constants, ...options }: TraceOptions,
): Trace {
  const variables = Object.values(tf.engine().registeredVariables);
  separate(backend, variables, constants);
  const recorder = new Recorder(backend, variables, constants, options);
  let traced: Trace | undefined;
  try {
    tf.tidy(() => {
      const own = ownHandles(backend, inputs);
      for (const [name, tensor] of Object.entries(own)) recorder.addInput(name, tensor);
      recorder.record(() => {
        const results = tensorsOf(step(own), "result");
        const updates = options.inPlace ? [] : [...recorder.assigned.keys()];
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

/**
 * Gives each variable a native tensor of its own (of the same memory) where it shares one, as it does with its clones
 * and with the tensor it was made from: in the graph they must be told apart, since only the variable is assigned.
 */
function separate(
  backend: NativeBackend,
  variables: readonly Variable[],
  constants: readonly Tensor[],
): void {
  const seen = new Set<object>(constants.map(({ dataId }) => dataId));
  for (const variable of variables) {
    const { dataId } = variable;
    const isHere = backend.tensorMap.has(dataId);
    if (isHere && (seen.has(dataId) || backend.tensorMap.get(dataId).refCount > 1)) {
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
    Object.entries(inputs).map(([name, tensor]) => [name, ownHandle(backend, tensor)]),
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
