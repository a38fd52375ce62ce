import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Tensor, tf } from "../backend/tf.js";
import { DataError } from "../errors.js";
import { type FloatType, replaceFile, type TensorEntry, writeSafetensors } from "../files/index.js";
import type { TransformerDecoder } from "../model/index.js";
import { writeFolderAtomically } from "../training/index.js";
import type { LoraAdapter } from "./adapter.js";
import { CONFIG_FILE, WEIGHTS_FILE } from "./adapter-files.js";
import { peftNames } from "./peft-names.js";
import { plainFactors, startsFromParts } from "./plain-factors.js";
import { requireAdapter, requireFolder } from "./require.js";
import { requireFiniteAdapter } from "./require-finite.js";
import { writePeftConfig } from "./write-peft-config.js";

export interface SaveAdapterOptions {
  /** @default "default" */
  name?: string;
  /** How the weights are stored; 16-bit types round to nearest, ties to even. @default "F32" */
  dtype?: FloatType;
  /** What PEFT loads as the base when it is told nothing else: a path, or a name on the Hugging Face hub. */
  baseModel?: string;
}

/**
 * Writes an adapter as PEFT does: `adapter_model.safetensors` and `adapter_config.json`, without the base. Python's
 * `PeftModel.from_pretrained(base, folder)` and `loadAdapter` here compute with it what this model computes.
 *
 * An adapter that started from a part of the base's weights (PiSSA, OLoRA) is written as the plain one of twice the
 * rank that computes the same, so that it fits the unchanged base; it is that which comes back when it is loaded.
 *
 * An adapter's folder that holds nothing else is replaced as a whole; in any other, and in the working directory, the
 * two files are replaced one by one.
 *
 * @throws {AdapterError} when no adapter has this name, or its weights are not finite
 * @throws {OptionError} when the folder is no path
 * @throws {DataError} when it cannot be written, as on a full disk; what was there before is unharmed
 * @source PEFT 0.21.2, `save_pretrained`
 */
export async function saveAdapter(
  model: TransformerDecoder,
  folder: string,
  { name = "default", dtype = "F32", baseModel }: SaveAdapterOptions = {},
): Promise<void> {
  const adapter = requireAdapter(model, name);
  requireFolder(folder);
  requireFiniteAdapter(adapter);
  const config = writePeftConfig(model, adapter, baseModel);
  const write = async (place: string): Promise<void> => {
    writeSafetensors(join(place, WEIGHTS_FILE), await entries(model, adapter), { dtype });
    replaceFile(join(place, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
  };
  try {
    const place = resolve(folder);
    await (canBeReplaced(place) ? writeFolderAtomically(place, write) : write(place));
  } catch (cause) {
    throw new DataError(`the adapter "${name}" was not saved: ${(cause as Error).message}`, {
      code: "lora/not-saved",
      value: folder,
      hint: "What was there before is unharmed. Make room, or choose a folder that may be written to.",
      cause,
    });
  }
}

/** Whether a folder is that of an adapter alone, or not there yet. The working directory must stay the one it is. */
function canBeReplaced(folder: string): boolean {
  if (folder === process.cwd()) return false;
  try {
    const files = readdirSync(folder);
    return files.length > 0 && files.every((file) => file === WEIGHTS_FILE || file === CONFIG_FILE);
  } catch {
    return true; // whatever else is wrong shows when it is written
  }
}

async function entries(model: TransformerDecoder, adapter: LoraAdapter): Promise<TensorEntry[]> {
  const plain = new Map<unknown, Tensor>();
  if (startsFromParts(adapter)) {
    for (const layer of adapter.layers.values()) {
      const { a, b } = plainFactors(adapter, layer);
      plain.set(layer.a, a).set(layer.b, b);
    }
  }
  try {
    return await Promise.all(
      peftNames(model, adapter).map(async ({ key, parameter }) => {
        const tensor = plain.get(parameter) ?? parameter.variable;
        return { name: key, shape: tensor.shape, data: (await tensor.data()) as Float32Array };
      }),
    );
  } finally {
    tf.dispose([...plain.values()]);
  }
}
