import type { TransformerDecoder } from "../model/index.js";
import type { LoraAdapter } from "./adapter.js";
import { type BuildOptions, buildAdapter } from "./build.js";
import { type LoraConfig, type ResolvedLoraConfig, resolveConfig } from "./config.js";
import { AdapterError } from "./errors.js";
import { requireAdapter, requireDecoder } from "./require.js";
import { defaultTargets } from "./targets.js";

export interface AddAdapterOptions {
  /** @default "default" */
  name?: string;
  /** Decides what A is drawn from. @default 0 */
  seed?: number;
}

/**
 * Puts a fresh adapter onto a model and makes it the one at work. The model's own weights are frozen from now on:
 * no gradient, no optimizer state and no copy for them. Until it is trained the model computes what it did before.
 *
 * ```ts
 * addAdapter(model, { r: 8, targetModules: "all-linear" });
 * for await (const step of trainSft({ model, examples })) …
 * ```
 *
 * @returns the adapter, owned by the model: `deleteAdapter` or the model's `dispose` frees it
 * @throws {OptionError} for an option outside its domain, or a rank larger than a layer
 * @throws {AdapterError} for a target that matches nothing, and for a name that is taken; the model is unchanged
 * @source Hu et al. 2021 (LoRA)
 */
export function addAdapter(
  model: TransformerDecoder,
  config: LoraConfig = {},
  { name = "default", seed = 0 }: AddAdapterOptions = {},
): LoraAdapter {
  requireDecoder(model);
  requireFreeName(model, name);
  return attachNew(model, resolveConfig(config, defaultTargets(model)), { name, seed });
}

interface AttachOptions extends BuildOptions {
  /** Gives the new adapter other weights before it is put to work. */
  fill?: (adapter: LoraAdapter) => void;
}

/** Makes an adapter and puts it to work. The model is unchanged when it cannot be made or filled. */
export function attachNew(
  model: TransformerDecoder,
  config: ResolvedLoraConfig,
  { fill, ...options }: AttachOptions,
): LoraAdapter {
  const adapter = buildAdapter(model, config, options);
  try {
    fill?.(adapter);
  } catch (error) {
    adapter.dispose();
    throw error;
  }
  model.adapters.attach(adapter);
  model.adapters.enable(true);
  model.adapters.activate([adapter.name]);
  return adapter;
}

/**
 * Takes an adapter off and frees it. A merge is undone first. With the last one gone, the model's own weights are
 * as trainable as they were before the first came.
 *
 * @throws {AdapterError} when none has this name
 */
export function deleteAdapter(model: TransformerDecoder, name: string): void {
  requireAdapter(model, name);
  model.adapters.detach(name);
}

/** @throws {AdapterError} when the name cannot be one, or is taken */
export function requireFreeName({ adapters }: TransformerDecoder, name: string): void {
  if (typeof name !== "string" || !/^[^./\\:\s\p{Cc}]+$/u.test(name)) {
    throw new AdapterError(`an adapter cannot be named ${JSON.stringify(name)}`, {
      code: "lora/bad-name",
      value: name,
      hint: "Names become parts of file and weight names: text without dots, slashes, colons or spaces.",
    });
  }
  if (!adapters.get(name)) return;
  throw new AdapterError(`an adapter named "${name}" is attached already`, {
    code: "lora/name-taken",
    value: name,
    hint: "Choose another `name`, or delete that one first.",
  });
}
