import { readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { tf, type Variable } from "../backend/tf.js";
import {
  openSafetensors,
  replaceFile,
  type TensorEntry,
  type TensorFile,
  writeSafetensors,
} from "../files/index.js";
import { type Decoder, saveDecoder } from "../model/index.js";
import type { AdamW } from "./adamw.js";
import {
  adapterState,
  adapterStateSchema,
  changingWeights,
  requireSameAdapters,
} from "./adapter-checkpoint.js";
import { completeFolders, writeFolderAtomically } from "./atomic-folder.js";
import { CheckpointError } from "./errors.js";

const stateSchema = z.object({
  /** How many optimizer steps were made. It is the place in the schedule too. */
  step: z.number().int().nonnegative(),
  /** Where in the data the next step goes on. */
  data: z.object({
    epoch: z.number().int().nonnegative(),
    stepInEpoch: z.number().int().nonnegative(),
    /** Names the data and their order: resuming with others would not continue the run. */
    fingerprint: z.string(),
  }),
  /** What else decides the numbers of the run, by name: with other values it would not be the same run. */
  settings: z.record(z.string(), z.unknown()),
  /** t of the optimizer. */
  updates: z.number().int().nonnegative(),
  /** How many tokens the model has seen. */
  tokens: z.number().nonnegative(),
  /** Only where adapters are trained; added when the state is saved. */
  adapters: adapterStateSchema.optional(),
});

/** What a run must remember beside its tensors. */
export type TrainingState = z.infer<typeof stateSchema>;

export interface Checkpoint {
  model: Decoder;
  optimizer: AdamW;
  state: TrainingState;
}

const ADAPTER = "adapter.safetensors";
const FOLDER = /^checkpoint-(\d+)$/;

/**
 * Saves everything that a run needs to go on: `model.safetensors` and `config.json` as Hugging Face reads them,
 * `optimizer.safetensors`, and `state.json`, all in `checkpoint-<step>`. Of a model with adapters, only what is
 * trained is saved: as `adapter.safetensors` to go on from, and each adapter in a folder of its name as adapters are
 * exchanged. The folder is written under another name and renamed when complete, so a crash or a full disk never
 * harms the checkpoints that are there.
 *
 * @param keep how many checkpoints up to this step stay; older ones are deleted once the new one is safe.
 *   Those of later steps, which another run has left in the folder, are not touched
 * @returns the folder's path
 * @throws {CheckpointError} when it cannot be written
 */
export async function saveCheckpoint(folder: string, checkpoint: Checkpoint, keep = 2): Promise<string> {
  const { model, optimizer, state } = checkpoint;
  const path = join(folder, `checkpoint-${state.step}`);
  try {
    await writeFolderAtomically(path, async (temporary) => {
      const adapters = await adapterState(model);
      if (adapters) await saveAdapters(model, temporary);
      else await saveDecoder(model, temporary, { dtype: "F32" });
      writeSafetensors(join(temporary, "optimizer.safetensors"), await entries(optimizer.state()));
      replaceFile(join(temporary, "state.json"), `${JSON.stringify({ ...state, adapters }, null, 2)}\n`);
    });
    const all = await checkpointsIn(folder);
    const upToThis = all.slice(0, all.indexOf(path) + 1);
    for (const old of upToThis.slice(0, -keep)) await rm(old, { recursive: true });
    return path;
  } catch (cause) {
    throw new CheckpointError(`checkpoint ${path} was not saved: ${(cause as Error).message}`, {
      code: "training/checkpoint-not-saved",
      value: path,
      hint: "The checkpoints saved before are unharmed. Make room or choose another outputFolder, then resume.",
      cause,
    });
  }
}

async function saveAdapters(model: Decoder, folder: string): Promise<void> {
  writeSafetensors(join(folder, ADAPTER), await entries(changingWeights(model)));
  for (const adapter of model.adapters.inUse) await adapter.save?.(join(folder, adapter.name));
}

/** The complete checkpoints in a folder, oldest first. */
export async function checkpointsIn(folder: string): Promise<string[]> {
  const steps = [...(await completeFolders(folder))].flatMap(([name, path]) => {
    const step = FOLDER.exec(name)?.[1];
    return step === undefined ? [] : [{ step: Number(step), path }];
  });
  return steps.sort((a, b) => a.step - b.step).map(({ path }) => path);
}

/**
 * Puts model and optimizer back to where they were.
 *
 * @param path a checkpoint, or a folder of them, of which the latest is taken
 * @param accept throws when the state belongs to another run, before anything is changed
 * @returns the rest of the state
 * @throws {CheckpointError} when there is none, it is damaged, or it is of another model or other adapters
 */
export async function loadCheckpoint(
  path: string,
  { model, optimizer }: Omit<Checkpoint, "state">,
  accept: (state: TrainingState) => void = () => {},
): Promise<TrainingState> {
  const folder = FOLDER.test(basename(path)) ? path : ((await checkpointsIn(path)).at(-1) ?? path);
  try {
    const state = stateSchema.parse(JSON.parse(await readFile(join(folder, "state.json"), "utf8")));
    accept(state);
    await requireSameAdapters(folder, model, state.adapters);
    const weights = changingWeights(model);
    const file = join(folder, state.adapters ? ADAPTER : "model.safetensors");
    requireTensors(file, weights); // all of both files, before anything is changed
    requireTensors(join(folder, "optimizer.safetensors"), optimizer.state());
    assignTensors(file, weights);
    assignTensors(join(folder, "optimizer.safetensors"), optimizer.state());
    optimizer.updates = state.updates;
    return state;
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`cannot resume from ${folder}: ${(cause as Error).message}`, {
      code: "training/checkpoint-unreadable",
      value: folder,
      hint: "Give a folder named checkpoint-<step>, or the outputFolder that holds them.",
      cause,
    });
  }
}

function requireTensors(path: string, variables: Record<string, Variable>): void {
  withFile(path, (file) => {
    for (const [name, { shape }] of Object.entries(variables)) {
      const found = file.tensors.get(name);
      if (found && tf.util.arraysEqual([...found.shape], shape)) continue;
      const wrong = found ? `has ${name} of shape [${found.shape}] instead of [${shape}]` : `lacks ${name}`;
      throw new CheckpointError(`${path} ${wrong}`, {
        code: "training/checkpoint-mismatch",
        value: { name, found: found?.shape, expected: shape },
        hint: "Resume with the model, and the same trainable parameters, that the checkpoint was saved from.",
      });
    }
  });
}

function assignTensors(path: string, variables: Record<string, Variable>): void {
  withFile(path, (file) => {
    for (const [name, variable] of Object.entries(variables)) {
      tf.tidy(() => variable.assign(tf.tensor(file.read(name), variable.shape)));
    }
  });
}

function withFile(path: string, use: (file: TensorFile) => void): void {
  const file = openSafetensors(path);
  try {
    use(file);
  } finally {
    file.close();
  }
}

/** One tensor is read when its turn comes, except on WebGPU, which cannot be read synchronously. */
async function entries(tensors: Record<string, Variable>): Promise<TensorEntry[]> {
  const isAsync = tf.getBackend() === "webgpu";
  return Promise.all(
    Object.entries(tensors).map(async ([name, tensor]) => {
      const fetched = isAsync ? await tensor.data() : undefined;
      return { name, shape: tensor.shape, data: () => (fetched ?? tensor.dataSync()) as Float32Array };
    }),
  );
}
