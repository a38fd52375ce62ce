import { OptionError } from "../errors.js";
import type { TransformerDecoder } from "../model/index.js";
import type { ResolvedLoraConfig } from "./config.js";
import { AdapterError } from "./errors.js";
import { isLora, requireCompatible, requireDecoder } from "./require.js";

/**
 * Chooses the adapter at work, or several, whose parts then add up. It takes microseconds and copies nothing; a
 * merge is undone first. Only adapters at work are trainable.
 *
 * @param names one or several; none at all leaves the base model
 * @throws {AdapterError} for an unknown name, and for adapters that replace the same weight; nothing is switched
 */
export function setAdapter(model: TransformerDecoder, names: string | readonly string[]): void {
  requireDecoder(model);
  const chosen = requireCompatible(model, [names].flat());
  model.adapters.activate(chosen.map(({ name }) => name));
}

/**
 * Lets the chosen adapters work again.
 *
 * @throws {AdapterError} for what is no decoder
 */
export function enableAdapters(model: TransformerDecoder): void {
  requireDecoder(model);
  model.adapters.enable(true);
}

/**
 * Leaves the base model alone, until adapters are enabled, merged, or one is added. Choosing others with `setAdapter`
 * does not enable them.
 *
 * @throws {AdapterError} for what is no decoder
 */
export function disableAdapters(model: TransformerDecoder): void {
  requireDecoder(model);
  model.adapters.enable(false);
}

/**
 * What `fn` computes without any adapter: the reference policy π_ref without a second copy of the weights. The
 * adapters are back when it is done, or when the promise it returned is settled, after an error as well. It may be
 * part of a compiled step.
 *
 * ```ts
 * const reference = disabled(model, () => model.forward(tokenIds));
 * const { tokenIds } = await disabled(model, () => generate(model, prompt));
 * ```
 *
 * @throws {AdapterError} when `fn` returns a stream (`generateStream`, `trainSft`): it would only run when the
 *   adapters are back
 */
export function disabled<T>(model: TransformerDecoder, fn: () => T): T {
  requireDecoder(model);
  if (typeof fn !== "function") {
    throw new OptionError(`disabled needs a function to run, not ${JSON.stringify(fn)}`, {
      code: "lora/no-function",
      value: fn,
      hint: "Pass what is to be computed as a function: disabled(model, () => model.forward(tokenIds)).",
    });
  }
  const resume = model.adapters.suspend();
  let result: T;
  try {
    result = fn();
  } catch (error) {
    resume();
    throw error;
  }
  if (isThenable(result)) return Promise.resolve(result).finally(resume) as T;
  resume();
  if (!isStream(result)) return result;
  throw new AdapterError("disabled cannot wait for a stream, whose steps run after it", {
    code: "lora/stream-when-disabled",
    value: result,
    hint: "Go through the stream within the function: disabled(model, async () => { for await (const step of …) … }).",
  });
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined)?.then === "function";

const isStream = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value;

/** What there is to know about an attached adapter. */
export interface AdapterSummary {
  name: string;
  /** Whether it was chosen to be at work. */
  active: boolean;
  /** Whether it is merged into the weights that are computed with. */
  merged: boolean;
  config: ResolvedLoraConfig;
  /** How many projections it adapts. */
  modules: number;
  /** How many numbers it adds to the model. */
  parameters: number;
}

/** The attached adapters, in the order they came. */
export function listAdapters(model: TransformerDecoder): AdapterSummary[] {
  requireDecoder(model);
  const { attached, active, merged } = model.adapters;
  return attached.filter(isLora).map((adapter) => ({
    name: adapter.name,
    active: active.includes(adapter.name),
    merged: merged !== undefined && active.includes(adapter.name),
    config: adapter.config,
    modules: adapter.layers.size,
    parameters: adapter.parameters().reduce((sum, { variable }) => sum + variable.size, 0),
  }));
}
