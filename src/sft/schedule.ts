import { OptionError } from "../errors.js";
import { constant, cosine, linear, type Schedule, warmup } from "../training/index.js";
import type { SftSettings } from "./options.js";

const DECAYS = { linear, cosine, constant };

/** The learning rate of every step: the warm-up, then what the options name. */
export function scheduleOf(
  { schedule, learningRate, warmup: rise }: SftSettings,
  totalSteps: number,
): Schedule {
  if (typeof schedule === "function") return (step) => requireRate(schedule(step), step);
  const riseSteps = rise < 1 ? Math.ceil(rise * totalSteps) : rise;
  return warmup(riseSteps, DECAYS[schedule](learningRate, Math.max(0, totalSteps - riseSteps)));
}

/** A rate that is no number would spoil every weight, whatever the loss. */
function requireRate(rate: number, step: number): number {
  if (Number.isFinite(rate) && rate >= 0) return rate;
  throw new OptionError(`the schedule's learning rate at step ${step + 1} is ${rate}`, {
    code: "sft/bad-schedule",
    value: { step: step + 1, rate },
    hint: "A schedule takes the number of the step, from 0, and returns a finite rate of at least 0.",
  });
}
