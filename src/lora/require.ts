import { OptionError } from "../errors.js";
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
  if (found) {
    throw new AdapterError(`"${name}" is not a LoRA adapter`, {
      code: "lora/other-kind",
      value: name,
      hint: `What other adapters have in common is model.adapters: activate(["${name}"]), enable(false), detach("${name}").`,
    });
  }
  const known = model.adapters.attached.filter(isLora).map((adapter) => adapter.name);
  throw new AdapterError(`no adapter ${JSON.stringify(name)} is attached`, {
    code: "lora/unknown-adapter",
    value: name,
    hint:
      known.length > 0
        ? `There is ${nearestNames(String(name), known).join(", ")}.`
        : "Add one with addAdapter.",
  });
}

/** @throws {OptionError} unless it can be the path of a folder */
export function requireFolder(folder: unknown): asserts folder is string {
  if (typeof folder === "string" && folder !== "") return;
  throw new OptionError(`${JSON.stringify(folder)} is no path of a folder`, {
    code: "lora/bad-path",
    value: folder,
    hint: "Pass the adapter's folder as text.",
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
