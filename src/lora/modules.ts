import type { TransformerDecoder } from "../model/index.js";
import type { LoraLayer } from "./layer.js";
import { requireAdapter } from "./require.js";

/**
 * The adapted projections of one adapter, in the order of the model: what is read to save it, to join adapters and
 * to look into them.
 *
 * @throws {AdapterError} when none has this name
 */
export const loraModules = (model: TransformerDecoder, name = "default"): LoraLayer[] => [
  ...requireAdapter(model, name).layers.values(),
];
