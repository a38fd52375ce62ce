import { join } from "node:path";
import { tf } from "../backend/tf.js";
import { OptionError } from "../errors.js";
import { type FloatType, replaceFile, writeSafetensors } from "../files/index.js";
import type { Decoder } from "./decoder.js";
import { toHuggingFace } from "./files/index.js";

export interface SaveOptions {
  /** How the weights are stored; 16-bit types round to nearest, ties to even. @default "F32" */
  dtype?: FloatType;
}

const TORCH_NAMES = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const;

/**
 * Writes `config.json` and `model.safetensors`, which transformers loads as the same model. Loading them here and
 * saving again in the same `dtype` gives the same bytes. Each file is replaced whole or not at all.
 *
 * @throws {OptionError} when adapters are attached: whether the files should contain them must be said first
 * @throws {DataError} when they cannot be written, as on a full disk; what was there before is unharmed
 */
export async function saveDecoder(
  decoder: Decoder,
  folder: string,
  { dtype = "F32" }: SaveOptions = {},
): Promise<void> {
  requireNoAdapters(decoder);
  const parameters = decoder.parameters();
  // WebGPU cannot be read synchronously, so there all weights are fetched first.
  const fetched =
    tf.getBackend() === "webgpu" ? await Promise.all(parameters.map((p) => p.variable.data())) : [];
  const entries = parameters.map(({ name, variable }, i) => ({
    name,
    shape: variable.shape,
    data: () => (fetched[i] ?? variable.dataSync()) as Float32Array,
  }));
  writeSafetensors(join(folder, "model.safetensors"), entries, { dtype });
  const torch = { torch_dtype: TORCH_NAMES[dtype], dtype: TORCH_NAMES[dtype] };
  const config = { ...toHuggingFace(decoder.config), ...torch };
  replaceFile(join(folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
}

function requireNoAdapters({ adapters }: Decoder): void {
  const names = adapters.attached.map(({ name }) => name);
  if (names.length === 0) return;
  throw new OptionError(
    `the decoder has adapters attached (${names.join(", ")}), which its files cannot hold`,
    {
      code: "model/adapters-attached",
      value: names,
      hint: "Merge them into the weights with mergeAndUnload(model), or save the adapter alone and delete it first.",
    },
  );
}
