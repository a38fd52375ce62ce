import { isDeepStrictEqual } from "node:util";
import { CheckpointError } from "../training/index.js";
import type { SftSettings } from "./options.js";

/** The options that, beside the data, decide the numbers of a run. More epochs or steps continue the same run. */
const DECISIVE = [
  "learningRate",
  "schedule",
  "warmup",
  "betas",
  "epsilon",
  "weightDecay",
  "rateFactor",
  "maxGradNorm",
  "labelSmoothing",
  "neftuneNoiseAlpha",
] as const satisfies readonly (keyof SftSettings)[];

/** Those options as plain data, for a checkpoint. One that was left out is absent. */
export function runSettings(settings: SftSettings): Record<string, unknown> {
  const countable = { ...settings, rateFactor: factorCounts(settings) };
  const entries = DECISIVE.map((name) => {
    const value = countable[name];
    return [name, typeof value === "function" ? "a function" : value];
  });
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)));
}

/** How many trained parameters have which factor. */
function factorCounts({ model, rateFactor }: SftSettings): Record<string, number> | undefined {
  if (!rateFactor) return undefined;
  const counts: Record<string, number> = {};
  for (const parameter of model.parameters()) {
    if (!parameter.trainable) continue;
    const factor = rateFactor(parameter);
    counts[factor] = (counts[factor] ?? 0) + 1;
  }
  return counts;
}

/** @throws {CheckpointError} naming the first option that differs from the saved run's */
export function requireSameSettings(
  from: string,
  saved: Record<string, unknown>,
  settings: SftSettings,
): void {
  const here = runSettings(settings);
  const different = DECISIVE.find((name) => !isDeepStrictEqual(here[name], saved[name]));
  if (different === undefined) return;
  const told = (value: unknown): string => (value === undefined ? "left out" : JSON.stringify(value));
  const [before, now] = [saved[different], here[different]];
  throw new CheckpointError(
    `${from} was saved by a run with ${different} ${told(before)}, not ${told(now)}`,
    {
      code: "sft/resume-mismatch",
      value: { option: different, saved: before, given: now },
      hint: "Resume with the options of that run. To train on with others, load the checkpoint as a model and start anew.",
    },
  );
}
