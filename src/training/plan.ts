import { Random } from "../backend/index.js";
import { requireCount } from "./require.js";

export interface PlanOptions {
  /** Length of every row, in tokens. */
  lengths: readonly number[];
  /** Rows in a micro-batch. */
  batchSize: number;
  /** Micro-batches in an optimizer step. */
  gradientAccumulationSteps: number;
  /** How often every row is seen; ignored when `maxSteps` is given. */
  epochs: number;
  /** Number of optimizer steps, whatever `epochs` says. */
  maxSteps?: number | undefined;
  /** Put rows of similar length together, which saves padding. */
  groupByLength: boolean;
  /** Decides the order. */
  seed: number;
}

/** One optimizer step: which rows go into each of its micro-batches. */
export interface PlannedStep {
  /** Number of the step, from 0. */
  step: number;
  /** Epoch that the step belongs to, from 0. */
  epoch: number;
  microBatches: number[][];
}

/**
 * Which rows are learned when. The order follows from the seed and the epoch alone, so a run can be taken up
 * at any step without replaying what came before.
 */
export interface Plan {
  stepsPerEpoch: number;
  totalSteps: number;
  /** The steps from the given one to the last. */
  from(step: number): Generator<PlannedStep>;
}

/**
 * Plans a run: how many steps it has, and what each of them learns.
 *
 * @throws {OptionError} when there would be no step, or a size is no whole number of at least 1
 */
export function planSteps(options: PlanOptions): Plan {
  const { lengths, batchSize, gradientAccumulationSteps, epochs, maxSteps } = options;
  requireCount("batchSize", batchSize);
  requireCount("gradientAccumulationSteps", gradientAccumulationSteps);
  const stepsPerEpoch = Math.ceil(Math.ceil(lengths.length / batchSize) / gradientAccumulationSteps);
  const totalSteps = maxSteps ?? Math.ceil(stepsPerEpoch * epochs);
  requireCount(maxSteps === undefined ? "epochs × steps per epoch" : "maxSteps", totalSteps);
  return {
    stepsPerEpoch,
    totalSteps,
    *from(first) {
      let batches: number[][] = [];
      let shuffledFor = -1;
      for (let step = first; step < totalSteps; step++) {
        const epoch = Math.floor(step / stepsPerEpoch);
        if (epoch !== shuffledFor) batches = shuffledBatches(options, epoch);
        shuffledFor = epoch;
        const start = (step % stepsPerEpoch) * gradientAccumulationSteps;
        yield { step, epoch, microBatches: batches.slice(start, start + gradientAccumulationSteps) };
      }
    },
  };
}

/** How many batches are sorted by length together: large enough to save padding, small enough to stay random. */
const BATCHES_SORTED_TOGETHER = 16;

/**
 * All rows once, in random order, `batchSize` at a time; the last batch may be smaller.
 *
 * @returns row numbers, batch by batch
 */
export function shuffledBatches(
  { lengths, batchSize, groupByLength, seed }: Omit<PlanOptions, "gradientAccumulationSteps" | "epochs">,
  epoch: number,
): number[][] {
  const random = new Random((seed + Math.imul(epoch, 0x9e3779b1)) >>> 0);
  const rows = random.shuffle(lengths.map((_, row) => row));
  if (!groupByLength) return chunk(rows, batchSize);
  const length = (row: number): number => lengths[row] ?? 0;
  const groups = chunk(rows, batchSize * BATCHES_SORTED_TOGETHER);
  const sorted = groups.flatMap((group) =>
    chunk(
      group.sort((a, b) => length(b) - length(a)),
      batchSize,
    ),
  );
  return random.shuffle(sorted);
}

const chunk = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
