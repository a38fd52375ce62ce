import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { StoredNumbers } from "../../backend/index.js";
import { DataError, OptionError } from "../../errors.js";
import { openGguf, openSafetensors, type TensorFile } from "../../files/index.js";
import type { DecoderConfig } from "../config.js";
import { ggufConfig, huggingFaceName, unpermuteHeads } from "./gguf-model.js";
import { fromHuggingFace } from "./hugging-face-config.js";

/** A decoder on disk: its configuration, and its weights under their Hugging Face names. */
export interface Checkpoint {
  readonly path: string;
  readonly config: DecoderConfig;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** One weight as float32, row-major, in Hugging Face's layout. A fresh array that the caller owns. */
  read(name: string): Float32Array;
  /** Where the same numbers lie in a file as they are; absent when they must be decoded or put in order. */
  stored(name: string): StoredNumbers | undefined;
  close(): void;
}

export interface CheckpointTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** Where a weight is, and what is to be done to it. */
interface Source extends CheckpointTensor {
  read(): Float32Array;
  stored?: StoredNumbers;
}

/**
 * Opens a decoder: a folder with `config.json` and `model.safetensors` (or its shards), or a GGUF file
 * of the Llama or Qwen2 architecture. Reads headers only.
 *
 * @throws {OptionError} when the path is none
 * @throws {DataError} when something is missing, damaged or not supported, naming the file and the field
 */
export function openCheckpoint(path: string): Checkpoint {
  if (typeof path !== "string" || path === "") throw noPath(path);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) {
    throw new DataError(`there is no model at ${path}`, {
      code: "model/missing-file",
      value: path,
      hint: "Give a folder with config.json and model.safetensors, or a GGUF file; `npm start` downloads the models of the course.",
    });
  }
  return found.isDirectory() ? openFolder(path) : openGgufModel(path);
}

const noPath = (path: unknown): OptionError =>
  new OptionError(`a model is loaded from a path, not from ${JSON.stringify(path)}`, {
    code: "model/no-path",
    value: path,
    hint: 'Give a folder or a GGUF file, for example `loadDecoder(modelPath("smollm2-135m-instruct"))`.',
  });

function openGgufModel(path: string): Checkpoint {
  const file = openGguf(path);
  return closingOnError([file], () => {
    const config = ggufConfig(file);
    const headsOf = (name: string) => {
      if (config.architecture !== "llama") return undefined; // Qwen2's rows lie as Hugging Face has them.
      if (name.includes(".q_proj.")) return config.heads;
      return name.includes(".k_proj.") ? config.keyValueHeads : undefined;
    };
    const sources = new Map<string, Source>();
    for (const [ggufName, { dtype, shape }] of file.tensors) {
      const name = huggingFaceName(ggufName);
      if (!name) continue;
      const heads = headsOf(name);
      const read = () => {
        const values = file.read(ggufName);
        return heads === undefined ? values : unpermuteHeads(values, heads, config.headSize);
      };
      sources.set(name, { dtype, shape, read });
    }
    return checkpoint(path, config, sources, [file]);
  });
}

function openFolder(folder: string): Checkpoint {
  const configPath = join(folder, "config.json");
  const config = fromHuggingFace(readJson(configPath), configPath);
  const files: TensorFile[] = [];
  return closingOnError(files, () => {
    const sources = new Map<string, Source>();
    for (const shard of shardsOf(folder)) {
      const file = openSafetensors(join(folder, shard));
      files.push(file);
      for (const [fileName, info] of file.tensors) {
        const name = canonicalName(config, fileName);
        if (!name) continue;
        const { path, fileSize } = file;
        const stored = isFloat(info) ? { path, fileSize, ...info } : undefined;
        sources.set(name, { ...info, read: () => file.read(fileName), ...(stored && { stored }) });
      }
    }
    return checkpoint(folder, config, sources, files);
  });
}

const isFloat = <T extends { dtype: string }>(info: T): info is T & Pick<StoredNumbers, "dtype"> =>
  ["F32", "F16", "BF16"].includes(info.dtype);

const weightMap = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[^/\\]+$/)) });

function shardsOf(folder: string): string[] {
  if (existsSync(join(folder, "model.safetensors"))) return ["model.safetensors"];
  const indexPath = join(folder, "model.safetensors.index.json");
  const index = weightMap.safeParse(readJson(indexPath, join(folder, "model.safetensors")));
  if (index.success) return [...new Set(Object.values(index.data.weight_map))];
  throw new DataError(`${indexPath}: ${index.error.issues[0]?.message}`, {
    code: "model/bad-index",
    value: index.error.issues[0]?.path.join("."),
    hint: "The index must map every weight to a file in the same folder.",
    cause: index.error,
  });
}

/** The bare GPT-2 of the model hub is stored without `transformer.`; masks and copies of tied weights are no weights. */
function canonicalName(config: DecoderConfig, stored: string): string | undefined {
  if (stored === "lm_head.weight") return config.tiedEmbeddings ? undefined : stored;
  if (config.architecture !== "gpt2") return stored.endsWith(".rotary_emb.inv_freq") ? undefined : stored;
  if (/\.attn\.(masked_)?bias$/.test(stored)) return undefined;
  return stored.startsWith("transformer.") ? stored : `transformer.${stored}`;
}

function checkpoint(
  path: string,
  config: DecoderConfig,
  sources: ReadonlyMap<string, Source>,
  files: readonly TensorFile[],
): Checkpoint {
  return {
    path,
    config,
    tensors: sources,
    read(name) {
      const source = sources.get(name);
      if (source) return source.read();
      throw new DataError(`${path} has no weight "${name}"`, {
        code: "model/missing-tensor",
        value: name,
        hint: "The weights do not fit the configuration: the file is incomplete or belongs to another model.",
      });
    },
    stored: (name) => sources.get(name)?.stored,
    close() {
      for (const file of files) file.close();
    },
  };
}

function closingOnError<T>(files: readonly TensorFile[], open: () => T): T {
  try {
    return open();
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}

function readJson(path: string, insteadOf = path): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new DataError(`there is no ${insteadOf}`, {
      code: "model/missing-file",
      value: insteadOf,
      hint: "A model's folder holds config.json and model.safetensors (or model.safetensors.index.json and its shards).",
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError(`${path} is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      code: "model/bad-config",
      value: path,
      hint: "The file is damaged; download or write it again.",
      cause,
    });
  }
}
