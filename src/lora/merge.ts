import { type Tensor2D, tf, type Variable } from "../backend/tf.js";
import type { Adapter, Linear, Parameter, TransformerDecoder } from "../model/index.js";
import type { LoraAdapter } from "./adapter.js";
import { AdapterError } from "./errors.js";
import { mergedWeight } from "./layer.js";
import { requireCompatible, requireDecoder } from "./require.js";
import { requireFinite } from "./require-finite.js";

/**
 * Computes with single weights $W_0 + \sum_i s_i B_i A_i$ from now on, as fast as the base model. The base's
 * weights stay beside them, so that unmerging gives them back bit for bit and `disabled` still shows the base;
 * that takes as much memory as the adapted weights once more. A merged adapter cannot be trained.
 *
 * @param names which to merge, in this order; they become the ones at work
 * @default names the adapters at work
 * @throws {AdapterError} when a merged weight is not finite, naming it, or there is nothing to merge; the model is unchanged
 */
export function mergeAdapter(model: TransformerDecoder, names?: string | readonly string[]): void {
  requireDecoder(model);
  const { adapters } = model;
  const chosen = requireCompatible(model, [names ?? adapters.active].flat());
  if (chosen.length === 0) {
    throw new AdapterError("no adapter is at work that could be merged", {
      code: "lora/nothing-to-merge",
      value: adapters.attached.map(({ name }) => name),
      hint: "Choose one with setAdapter, or name it.",
    });
  }
  const merged = mergedAdapter(chosen);
  adapters.enable(true);
  adapters.activate(chosen.map(({ name }) => name));
  adapters.merge(merged);
}

/** Takes merged adapters apart again: the base's weights are bit for bit what they were. */
export function unmergeAdapter(model: TransformerDecoder): void {
  requireDecoder(model);
  model.adapters.unmerge();
}

/**
 * Writes the adapters at work into the model's own weights for good and takes all adapters off. What is left is a
 * plain model, to save with `saveDecoder`. All other adapters are lost.
 *
 * @param names which to write, in this order
 * @default names the adapters at work
 * @throws {AdapterError} when a merged weight is not finite, naming it, or there is nothing to merge; the model is unchanged
 */
export function mergeAndUnload(model: TransformerDecoder, names?: string | readonly string[]): void {
  mergeAdapter(model, names);
  const { adapters } = model;
  for (const [weight, { variable }] of adapters.merged?.substitutes ?? []) weight.variable.assign(variable);
  for (const { name } of adapters.attached) adapters.detach(name);
}

/** What stands for several adapters while they are merged: other weights, and nothing added to products. */
function mergedAdapter(adapters: readonly LoraAdapter[]): Adapter {
  const names = adapters.map(({ name }) => name);
  const own = new Map<Parameter, Parameter>();
  const dispose = () => {
    for (const { variable } of own.values()) variable.dispose();
  };
  const linears = new Set(adapters.flatMap(({ layers }) => [...layers.keys()]));
  try {
    for (const linear of linears) {
      const name = `${linear.path}.merged.weight`;
      own.set(linear.weight, { name, variable: mergedVariable(linear, adapters), trainable: false });
    }
    const all = adapters.map(({ name }) => `"${name}"`).join(" and ");
    const replaced = [...own, ...adapters.flatMap((adapter) => [...adapter.copies])];
    const weights = replaced.map(([{ name }, { variable }]) => ({ name, variable }));
    requireFinite(weights, (weight) => `merging ${all} would make ${weight} hold NaN or an infinity`);
  } catch (error) {
    dispose();
    throw error;
  }
  const copies = adapters.flatMap((adapter) => [...adapter.copies]);
  return {
    name: `merged: ${names.join(" ")}`,
    layers: new Map(),
    substitutes: new Map([...copies, ...own]),
    description: names,
    parameters: () => [],
    dispose,
  };
}

const mergedVariable = (linear: Linear, adapters: readonly LoraAdapter[]): Variable =>
  tf.tidy(() => {
    // What these adapters correct, whatever the model computes with at the moment.
    const [own = linear.weight] = adapters.flatMap(({ substitutes }) => substitutes.get(linear.weight) ?? []);
    const frozen = own.variable as Tensor2D;
    let weight = frozen;
    for (const { layers } of adapters) {
      const layer = layers.get(linear);
      if (layer) weight = mergedWeight(layer, frozen, weight);
    }
    return tf.variable(weight, false);
  });
