import type { Adapter, Decoder } from "../model/index.js";
import { CheckpointError, loadCheckpoint, TrainingError, type TrainingState } from "../training/index.js";
import type { SftData } from "./data.js";
import type { Learned, SftLearner } from "./learner.js";
import type { SftSettings } from "./options.js";
import { requireSameSettings, runSettings } from "./run-settings.js";

/**
 * Where the run begins: at step 0, or where a checkpoint left off, with model and optimizer as they were.
 *
 * @throws {CheckpointError} when the checkpoint is of a run with other data, another order of them, or other options
 */
export async function start(
  settings: SftSettings,
  { fingerprint }: SftData,
  learner: SftLearner,
): Promise<TrainingState> {
  const { model, resumeFrom } = settings;
  if (resumeFrom === undefined) {
    const data = { epoch: 0, stepInEpoch: 0, fingerprint };
    return { step: 0, data, settings: runSettings(settings), updates: 0, tokens: 0 };
  }
  return loadCheckpoint(resumeFrom, { model, optimizer: learner.optimizer }, (saved) => {
    if (saved.data.fingerprint === fingerprint)
      return requireSameSettings(resumeFrom, saved.settings, settings);
    throw new CheckpointError(`${resumeFrom} was saved by a run on other examples, or in another order`, {
      code: "sft/resume-mismatch",
      value: saved.data.fingerprint,
      hint: "Resume with the same examples, mask, maxLength, packing, batch sizes and seed.",
    });
  });
}

/** The state after a step. */
export function advance(
  { step, settings, tokens }: TrainingState,
  learned: Learned,
  learner: SftLearner,
  { plan, fingerprint }: SftData,
): TrainingState {
  const done = step + 1;
  return {
    step: done,
    data: {
      epoch: Math.floor(done / plan.stepsPerEpoch),
      stepInEpoch: done % plan.stepsPerEpoch,
      fingerprint,
    },
    settings,
    updates: learner.optimizer.updates,
    tokens: tokens + learned.tokens,
  };
}

/** @throws {TrainingError} when the step was refused because its loss or a gradient was not finite */
export function requireFinite(
  { accepted, loss, norm }: Learned,
  step: number,
  examples: readonly number[],
): void {
  if (accepted === 1) return;
  const what = Number.isFinite(loss) ? `gradient norm became ${norm}` : `loss became ${loss}`;
  throw new TrainingError(`the ${what} at step ${step + 1}, on examples ${examples.join(", ")}`, {
    code: "training/not-finite",
    value: { step: step + 1, examples, loss, gradNorm: norm },
    hint: `The weights are still those of step ${step}, and checkpoints are unharmed. Try a lower learning rate or a longer warm-up, and look at these examples.`,
  });
}

/**
 * The optimizer and what was compiled belong to the adapters that the run began with.
 *
 * @throws {TrainingError} when others are at work now
 */
export function requireUnswitched({ adapters }: Decoder, before: readonly Adapter[]): void {
  const now = adapters.inUse;
  if (now.length === before.length && now.every((adapter, i) => adapter === before[i])) return;
  const list = (those: readonly Adapter[]) => those.map(({ name }) => `"${name}"`).join(" and ") || "none";
  throw new TrainingError(
    `the run trains with the adapter ${list(before)} at work, but now it is ${list(now)}`,
    {
      code: "sft/adapters-switched",
      value: now.map(({ name }) => name),
      hint: "Switch back before the next step, or look at the base with disabled(model, fn); to train another adapter, begin another run.",
    },
  );
}

/** The names of what a model trains. */
export const trainableNames = (model: Decoder): ReadonlySet<string> =>
  new Set(model.parameters().flatMap(({ name, trainable }) => (trainable ? [name] : [])));

/**
 * The optimizer and what was compiled belong to the parameters that were trainable when the run began.
 *
 * @throws {TrainingError} when one of them is frozen now, or another one trainable
 */
export function requireSameTrainable(model: Decoder, before: ReadonlySet<string>): void {
  const changed = model.parameters().filter(({ name, trainable }) => trainable !== before.has(name));
  const [first] = changed;
  if (!first) return;
  const [then, now] = first.trainable ? ["frozen", "trainable"] : ["trainable", "frozen"];
  throw new TrainingError(`${first.name} was ${then} when the run began, but now it is ${now}`, {
    code: "sft/trainable-changed",
    value: changed.map(({ name }) => name),
    hint: "Set `trainable` back before the next step; to train other parameters, begin another run.",
  });
}
