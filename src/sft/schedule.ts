import { constant, cosine, linear, type Schedule, warmup } from "../training/index.js";
import type { SftSettings } from "./options.js";

const DECAYS = { linear, cosine, constant };

/** The learning rate of every step: the warm-up, then what the options name. */
export function scheduleOf(
  { schedule, learningRate, warmup: rise }: SftSettings,
  totalSteps: number,
): Schedule {
  if (typeof schedule === "function") return schedule;
  const riseSteps = rise < 1 ? Math.ceil(rise * totalSteps) : rise;
  return warmup(riseSteps, DECAYS[schedule](learningRate, Math.max(0, totalSteps - riseSteps)));
}
