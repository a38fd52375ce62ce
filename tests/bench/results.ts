import type { CaseResult, Report, SideResult } from "../../bench/report.js";
import { spread } from "../../bench/statistics.js";

export const side = (name: string, seconds: number, more: Partial<SideResult> = {}): SideResult => ({
  name,
  versions: { [name]: "1.0" },
  device: "the CPU",
  seconds: spread([seconds]),
  secondsOfRounds: [seconds],
  ratio: spread([seconds]),
  peakBytes: 2 ** 30 * seconds,
  memoryRatio: seconds,
  firstOutcome: 2,
  lastOutcome: 1,
  largestDifference: 2e-6,
  sameWork: true,
  ...more,
});

/** PyTorch takes one second, so that our seconds are the ratio. */
export const caseOf = (ours: SideResult[], more: Partial<CaseResult> = {}): CaseResult => ({
  name: "tiny-step",
  title: "a step",
  rounds: 8,
  sides: [...ours, side("PyTorch", 1)],
  disturbance: { others: 0, stolen: 0, load: 1 },
  doubts: [],
  ...more,
});

export const reportOf = (more: Partial<Report> = {}): Report => ({
  command: "npm run bench",
  date: "2026-01-02",
  machine: "a processor, 2 cores",
  threads: 2,
  seed: 1,
  versions: { Node: "20.20.2", backend: "TensorFlow 2.18.1" },
  cases: [],
  failed: [],
  ...more,
});
