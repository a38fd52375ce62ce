import type { Disturbance } from "./processor-time.js";
import type { Spread } from "./statistics.js";
import type { Growth } from "./types.js";

/** How one side of a case did. */
export interface SideResult {
  name: string;
  versions: Record<string, string>;
  device: string;
  /** Seconds of one repetition, over the rounds. */
  seconds: Spread;
  secondsOfRounds: number[];
  /** Time over PyTorch's in the same round. */
  ratio: Spread;
  /** The ratio to stay below, where there is one. */
  target?: number | undefined;
  /** The most memory the process ever had resident, start and loading included. */
  peakBytes: number;
  /** Over PyTorch's. */
  memoryRatio: number;
  /** The first and last loss, or token. */
  firstOutcome: number;
  lastOutcome: number;
  /** From PyTorch's outcomes, over those that the case compares. */
  largestDifference: number;
  /** Whether that is within the case's tolerance. */
  sameWork: boolean;
}

export interface CaseResult {
  name: string;
  title: string;
  rounds: number;
  sides: SideResult[];
  /** Absent where the system does not tell. */
  disturbance: Disturbance | undefined;
  /** Why the figures should not be trusted. */
  doubts: string[];
  growth?: Growth[] | undefined;
  note?: string | undefined;
}

/** A case that could not be run to its end. */
export interface FailedCase {
  name: string;
  title: string;
  error: string;
}

export interface Report {
  command: string;
  date: string;
  machine: string;
  threads: number;
  seed: number;
  versions: Record<string, string>;
  cases: CaseResult[];
  failed: FailedCase[];
}

/** What every side says of itself, together. */
export const versionsOf = (cases: readonly CaseResult[]): Record<string, string> =>
  Object.assign(
    {},
    ...[...cases].reverse().flatMap(({ sides }) => [...sides].reverse().map((side) => side.versions)),
  );
