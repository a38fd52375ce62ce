import type { Disturbance } from "./processor-time.js";
import { relativeSpread, type Spread } from "./statistics.js";

/** Above these a figure is not to be trusted. */
const LIMITS = { others: 0.05, stolen: 0.02, spread: 0.15, rounds: 5 };

/** Why a ratio should not be trusted, in words; empty when it can be. */
export function doubts(ratio: Spread, rounds: number, disturbed: Disturbance | undefined): string[] {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const found: string[] = [];
  if (disturbed && disturbed.others > LIMITS.others) {
    found.push(`other processes took ${percent(disturbed.others)} of the machine`);
  }
  if (disturbed && disturbed.stolen > LIMITS.stolen) {
    found.push(`the host took ${percent(disturbed.stolen)} of the machine`);
  }
  if (relativeSpread(ratio) > LIMITS.spread) {
    found.push(`the middle half of the ratios spreads over ${percent(relativeSpread(ratio))}`);
  }
  if (rounds < LIMITS.rounds) found.push(`only ${rounds} rounds`);
  return found;
}
