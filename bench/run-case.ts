import { doubts } from "./doubts.js";
import { disturbance, processorTime } from "./processor-time.js";
import type { CaseResult, SideResult } from "./report.js";
import { startWorker } from "./start-worker.js";
import { largestDifference, relativeSpread, roundRatios, spread } from "./statistics.js";
import { type BenchCase, PYTORCH, type Side, type Workspace } from "./types.js";
import type { Ready, Turn, Worker } from "./worker.js";

export interface RunOptions {
  threads: number;
  /** Few turns, for a first impression. */
  quick: boolean;
  /** Hears what goes on. */
  say: (progress: string) => void;
}

/** Turns that do not count come first: the first compiles, the second still warms caches and allocators. */
const QUICK = { warmUp: 1, rounds: 3 };
const WARM_UP = 2;

interface Contestant {
  side: Side;
  worker: Worker;
  ready: Ready;
  turns: Turn[];
}

/** Times one case: every side in a process of its own, taking turns, so that all see the same machine. */
export async function runCase(
  bench: BenchCase,
  workspace: Workspace,
  options: RunOptions,
): Promise<CaseResult> {
  const task = await bench.task(workspace);
  const contestants: Contestant[] = [];
  try {
    for (const side of [...bench.sides, PYTORCH]) {
      options.say(`${side.name} gets ready`);
      const worker = startWorker(side, options.threads);
      const contestant = { side, worker, turns: [] as Turn[], ready: { versions: {}, device: "" } as Ready };
      contestants.push(contestant);
      contestant.ready = await worker.prepare({ task, threads: options.threads, ...side });
    }
    const { warmUp, rounds } = options.quick ? QUICK : { warmUp: WARM_UP, rounds: bench.turns };
    options.say("warming up");
    for (let i = 0; i < warmUp; i++) await round(contestants, bench.perTurn);
    const processes = contestants.map(({ worker }) => worker.id);
    const before = processorTime(processes);
    for (let i = 0; i < rounds; i++) {
      options.say(`round ${i + 1} of ${rounds}`);
      await round(contestants, bench.perTurn);
    }
    const after = processorTime(processes);
    return compare(bench, contestants, warmUp, before && after && disturbance(before, after));
  } finally {
    for (const { worker } of contestants) await worker.stop();
  }
}

async function round(contestants: Contestant[], count: number): Promise<void> {
  for (const { worker, turns } of contestants) turns.push(await worker.turn(count));
}

function compare(
  { name, title, perTurn, tolerance, compared, targets, growth, note }: BenchCase,
  contestants: Contestant[],
  warmUp: number,
  disturbed: CaseResult["disturbance"],
): CaseResult {
  const reference = contestants.at(-1) as Contestant;
  const secondsOf = ({ turns }: Contestant): number[] =>
    turns.slice(warmUp).map(({ seconds }) => seconds / perTurn);
  const outcomeOf = ({ turns }: Contestant): number[] => turns.flatMap(({ outcome }) => outcome);
  const peakOf = ({ turns }: Contestant): number => Math.max(...turns.map(({ peakBytes }) => peakBytes));

  const sides = contestants.map((contestant): SideResult => {
    const { side, ready } = contestant;
    const ratios = roundRatios(secondsOf(contestant), secondsOf(reference));
    const outcome = outcomeOf(contestant);
    const difference = largestDifference(outcome, outcomeOf(reference), compared);
    return {
      name: side.name,
      versions: ready.versions,
      device: ready.device,
      seconds: spread(secondsOf(contestant)),
      secondsOfRounds: secondsOf(contestant),
      ratio: spread(ratios),
      target: side.name === "PyTorch" ? undefined : targets[side.name],
      peakBytes: peakOf(contestant),
      memoryRatio: peakOf(contestant) / peakOf(reference),
      firstOutcome: outcome[0] ?? Number.NaN,
      lastOutcome: outcome.at(-1) ?? Number.NaN,
      largestDifference: difference,
      sameWork: difference <= tolerance,
    };
  });
  const rounds = reference.turns.length - warmUp;
  const widest = sides.reduce((a, b) => (relativeSpread(b.ratio) > relativeSpread(a.ratio) ? b : a));
  return {
    name,
    title,
    rounds,
    sides,
    disturbance: disturbed,
    doubts: doubts(widest.ratio, rounds, disturbed),
    ...{ growth, note },
  };
}
