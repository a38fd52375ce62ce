import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { tf, type Variable } from "../backend/tf.js";
import type { Decoder } from "../model/index.js";
import { CheckpointError } from "./errors.js";

/** What a checkpoint says about adapters, whose weights it holds instead of the model's. */
export const adapterStateSchema = z.object({
  /** Names and configurations of the adapters that were trained. */
  trained: z.array(z.object({ name: z.string(), description: z.unknown() })),
  /** Of the weights that the adapters were trained on, which the checkpoint does not hold. */
  base: z.string(),
});

type AdapterState = z.infer<typeof adapterStateSchema>;

/**
 * The weights that a run can change: all of them, or with adapters those of the adapters at work and whatever else
 * was made trainable.
 */
export function changingWeights(model: Decoder): Record<string, Variable> {
  const { attached, inUse } = model.adapters;
  const atWork = new Set(inUse.flatMap((adapter) => adapter.parameters()));
  const changing = model
    .parameters()
    .filter((parameter) => attached.length === 0 || parameter.trainable || atWork.has(parameter));
  return Object.fromEntries(changing.map(({ name, variable }) => [name, variable]));
}

/** What to remember about a model's adapters; nothing when it has none. */
export async function adapterState(model: Decoder): Promise<AdapterState | undefined> {
  if (model.adapters.attached.length === 0) return undefined;
  const trained = model.adapters.inUse.map(({ name, description }) => ({ name, description }));
  return { trained: plain(trained), base: await fingerprint(model) };
}

/** @throws {CheckpointError} unless the model has the adapters that were saved, on the weights they were trained on */
export async function requireSameAdapters(
  folder: string,
  model: Decoder,
  saved: AdapterState | undefined,
): Promise<void> {
  const here = await adapterState(model);
  const names = (state: AdapterState | undefined): string =>
    state?.trained.map(({ name }) => `"${name}"`).join(" and ") || "no adapter";
  if (names(here) !== names(saved)) {
    throw misfit(`${folder} was saved while training ${names(saved)}, but here ${names(here)} is at work`, {
      saved: saved?.trained,
      here: here?.trained,
    });
  }
  const other = here?.trained.find((each, i) => !isDeepStrictEqual(each, saved?.trained[i]));
  if (other) {
    throw misfit(`${folder} was saved with another configuration of the adapter "${other.name}"`, {
      saved: saved?.trained.find(({ name }) => name === other.name)?.description,
      here: other.description,
    });
  }
  if (here?.base !== saved?.base) {
    throw misfit(`${folder} was saved while training adapters of another base model`, {
      saved: saved?.base,
      here: here?.base,
    });
  }
}

const misfit = (problem: string, value: unknown): CheckpointError =>
  new CheckpointError(problem, {
    code: "training/adapter-mismatch",
    value,
    hint: "Load the same base model and add the adapter with the same name and configuration, then resume.",
  });

/** Data as they come back from a JSON file. */
const plain = <T>(data: T): T => JSON.parse(JSON.stringify(data)) as T;

/** A hash of the first numbers of every frozen weight of the base. Any training of it would have changed them. */
async function fingerprint(model: Decoder): Promise<string> {
  const added = new Set(model.adapters.attached.flatMap((adapter) => adapter.parameters()));
  const base = model.parameters().filter((parameter) => !parameter.trainable && !added.has(parameter));
  const sample = tf.tidy(() =>
    tf.concat(
      base.map(({ variable }) => tf.slice(tf.reshape(variable, [-1]), 0, Math.min(8, variable.size))),
    ),
  );
  const values = (await sample.data()) as Float32Array;
  sample.dispose();
  return createHash("sha256").update(values).digest("hex").slice(0, 16);
}
