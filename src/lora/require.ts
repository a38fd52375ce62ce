import { type Adapter, TransformerDecoder } from "../model/index.js";
import { LoraAdapter } from "./adapter.js";
import { AdapterError } from "./errors.js";
import { nearestNames } from "./nearest.js";

/** @throws {AdapterError} unless it is a decoder of this library */
export function requireDecoder(model: unknown): asserts model is TransformerDecoder {
  if (model instanceof TransformerDecoder) return;
  throw new AdapterError("adapters go onto a decoder, and this is none", {
    code: "lora/no-decoder",
    value: model,
    hint: "Pass what createDecoder or loadDecoder returned.",
  });
}

/** The adapter of this name. @throws {AdapterError} naming those that are attached when there is none */
export function requireAdapter(model: TransformerDecoder, name: string): LoraAdapter {
  requireDecoder(model);
  const found = model.adapters.get(name);
  if (isLora(found)) return found;
  const known = model.adapters.attached.map((adapter) => adapter.name);
  throw new AdapterError(`no adapter "${name}" is attached`, {
    code: "lora/unknown-adapter",
    value: name,
    hint: known.length > 0 ? `There is ${nearestNames(name, known).join(", ")}.` : "Add one with addAdapter.",
  });
}

/**
 * Adapters that are to work together, each once.
 *
 * @throws {AdapterError} for an unknown name, and when two of them replace the same weight
 */
export function requireCompatible(model: TransformerDecoder, names: readonly string[]): LoraAdapter[] {
  const adapters = [...new Set(names)].map((name) => requireAdapter(model, name));
  const owners = new Map<unknown, string>();
  for (const { name, substitutes } of adapters) {
    for (const weight of substitutes.keys()) {
      const other = owners.get(weight);
      if (other === undefined) {
        owners.set(weight, name);
        continue;
      }
      throw new AdapterError(`the adapters "${other}" and "${name}" both replace ${weight.name}`, {
        code: "lora/incompatible",
        value: [other, name],
        hint: "Low-rank parts add up, but only one adapter at a time can bring its own copy of a weight.",
      });
    }
  }
  return adapters;
}

export const isLora = (adapter: Adapter | undefined): adapter is LoraAdapter =>
  adapter instanceof LoraAdapter;
