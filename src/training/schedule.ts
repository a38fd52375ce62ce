import { requireCount, requireRange } from "./require.js";

/** The learning rate of an update, by its number: 0 for the first. */
export type Schedule = (step: number) => number;

/** The same rate for ever. */
export function constant(rate: number): Schedule {
  requireRange("rate", rate, 0);
  return () => rate;
}

/**
 * From `rate` in a straight line to 0.
 *
 * $$ \eta_s = \eta \max\bigl(0,\, 1 - s/S\bigr) $$
 *
 * @param steps S, the number of updates until 0
 */
export function linear(rate: number, steps: number): Schedule {
  requireRange("rate", rate, 0);
  requireCount("steps", steps, 0);
  return (step) => rate * (1 - progress(step, steps));
}

/**
 * From `rate` along half a cosine to 0: slow at first, fast in the middle, slow at the end.
 *
 * $$ \eta_s = \frac{\eta}{2}\Bigl(1 + \cos \frac{\pi s}{S}\Bigr) $$
 *
 * @param steps S, the number of updates until 0
 * @source Loshchilov & Hutter 2017 (SGDR), eq. 5, without restarts
 */
export function cosine(rate: number, steps: number): Schedule {
  requireRange("rate", rate, 0);
  requireCount("steps", steps, 0);
  return (step) => 0.5 * rate * (1 + Math.cos(Math.PI * progress(step, steps)));
}

/**
 * Rises from 0 to where another schedule begins, then follows that one. The first update has rate 0, as in
 * transformers' `get_scheduler`.
 *
 * @param steps number of updates of the rise
 * @param then  the schedule that follows, counted from its own 0
 */
export function warmup(steps: number, then: Schedule): Schedule {
  requireCount("steps", steps, 0);
  return (step) => (step < steps ? (then(0) * step) / steps : then(step - steps));
}

const progress = (step: number, steps: number): number => Math.min(1, step / Math.max(1, steps));
