import type { TransformerDecoder } from "../model/index.js";
import type { LoraAdapter } from "./adapter.js";
import { openAdapter } from "./adapter-files.js";
import { attachNew, requireFreeName } from "./attach.js";
import { resolveConfig } from "./config.js";
import { fillAdapter } from "./fill.js";
import { fittingConfig, requireSameBase } from "./fitting.js";
import { requireDecoder, requireFolder } from "./require.js";

export interface LoadAdapterOptions {
  /** @default "default" */
  name?: string;
}

/**
 * Puts an adapter from disk onto a model, as PEFT or `saveAdapter` wrote it, and makes it the one at work. It can be
 * trained on. Weights of 16 bits become float32. With the adapter the model computes what PEFT computes with it.
 *
 * @param folder holds `adapter_model.safetensors` and `adapter_config.json`
 * @returns the adapter, owned by the model
 * @throws {OptionError} when the folder is no path
 * @throws {DataError} when a file is missing, damaged or at odds with the other, holds NaN, or asks for a variant
 *   that this library does not compute
 * @throws {AdapterError} when the adapter was made for another base, naming the module or both shapes, and for a
 *   name that is taken; after any error the model is unchanged
 */
export async function loadAdapter(
  model: TransformerDecoder,
  folder: string,
  { name = "default" }: LoadAdapterOptions = {},
): Promise<LoraAdapter> {
  requireDecoder(model);
  requireFreeName(model, name);
  requireFolder(folder);
  const { peft, weights } = openAdapter(folder);
  try {
    requireSameBase(model, weights);
    const config = resolveConfig(fittingConfig(model, peft, weights), []);
    const fill = (adapter: LoraAdapter) => fillAdapter(model, adapter, weights);
    return attachNew(model, config, { name, seed: 0, anyRank: true, fill });
  } finally {
    weights.close();
  }
}
