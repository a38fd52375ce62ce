import { BackendError } from "../candidate.js";
import { type NativeAttribute, nativeBackend } from "../native.js";
import { type Tensor, tf, type Variable } from "../tf.js";
import { Recorder } from "./recorder.js";
import { changing, resourceOf } from "./resource.js";

/** Whether `updateInPlace` can be used here: TensorFlow's library computes, and no trace of another kind is under way. */
export const canUpdateInPlace = (): boolean =>
  nativeBackend() !== undefined && (Recorder.current?.inPlace ?? true);

/**
 * Changes variables in their own memory by one of TensorFlow's operations on resources, such as
 * `AssignAddVariableOp`. Tensors that share a variable's data keep their values.
 *
 * In a compiled step the updates come when everything is computed that does not wait for one of them, one after the
 * other: at no time is there more than one update's worth of temporary memory. While the step is traced nothing is
 * changed, nor copied to be restored.
 *
 * @param variables what the operation changes: its first inputs
 * @param inputs    makes its further inputs, which are freed
 * @throws {BackendError} where `canUpdateInPlace()` is false
 */
export function updateInPlace(
  operation: string,
  variables: readonly Variable[],
  inputs: () => Tensor[],
  attributes: readonly NativeAttribute[],
): void {
  const backend = nativeBackend();
  if (!backend || !canUpdateInPlace()) {
    throw new BackendError(`${operation} cannot change variables in place here`, {
      code: "backend/no-resources",
      value: operation,
      hint: "Ask canUpdateInPlace() first, and compute and assign the new values where it says no.",
    });
  }
  tf.tidy(() => {
    if (Recorder.current) return Recorder.current.update(operation, variables, inputs, attributes);
    const tensors = inputs();
    const resources = variables.map((variable) => resourceOf(backend, variable));
    const ids = [...resources.map(({ handle }) => handle), ...backend.getInputTensorIds(tensors)];
    changing(resources, () => backend.binding.executeOp(operation, [...attributes], ids, 0));
  });
}
