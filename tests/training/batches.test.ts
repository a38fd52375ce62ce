import {
  type Batch,
  batchShapes,
  collate,
  onePerRow,
  type PlanOptions,
  planSteps,
  type Row,
  shuffledBatches,
} from "posttrain/training";
import { describe, expect, it } from "vitest";
import { bucketSize, powerOfTwo } from "../../src/training/bucket.js";

describe("bucketSize", () => {
  it("rounds up to a short series", () => {
    const sizes = new Set(Array.from({ length: 512 }, (_, i) => bucketSize(i + 1)));
    expect([...sizes]).toEqual([16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]);
  });

  it("has powers of two only where padding costs less", () => {
    const sizes = new Set(Array.from({ length: 300 }, (_, i) => powerOfTwo(i + 1)));
    expect([...sizes]).toEqual([16, 32, 64, 128, 256, 512]);
  });

  it("never exceeds the limit", () => {
    expect(bucketSize(90, 100)).toBe(96);
    expect(bucketSize(97, 100)).toBe(100);
  });
});

describe("collate", () => {
  const rows = onePerRow([
    { tokenIds: [5, 6, 7, 8], mask: [0, 0, 1, 1] },
    { tokenIds: [9, 10], mask: [1, 1] },
  ]);
  const batch = collate(rows, { rows: 3, maxLength: 20, padTokenId: 99 });
  const row = (values: Int32Array, { time }: Batch, index: number) => [
    ...values.slice(index * time, (index + 1) * time),
  ];

  it("pads on the right and fills up with empty rows", () => {
    expect([batch.rows, batch.time]).toEqual([3, 16]);
    expect(row(batch.tokenIds, batch, 0)).toEqual([5, 6, 7, 8, ...new Array(12).fill(99)]);
    expect(row(batch.tokenIds, batch, 2)).toEqual(new Array(16).fill(99));
    expect(row(batch.segments, batch, 1)).toEqual([1, 1, ...new Array(14).fill(0)]);
  });

  it("lists the positions that predict a supervised token, never one for the first token", () => {
    expect(batch.supervised).toBe(3);
    expect([...batch.predictors.slice(0, 3)]).toEqual([1, 2, 16]);
    expect([...batch.targets.slice(0, 3)]).toEqual([7, 8, 10]);
    expect([...batch.weights]).toEqual([1, 1, 1, ...new Array(13).fill(0)]);
  });

  it("counts tokens without padding and remembers the examples", () => {
    expect(batch.tokens).toBe(6);
    expect(batch.examples).toEqual([0, 1]);
  });

  it("does not let a packed example be predicted by its neighbour, and restarts the positions", () => {
    const packed = { tokenIds: [1, 2, 3, 4], mask: [1, 1, 1, 1], segments: [1, 1, 2, 2], examples: [0, 1] };
    const { predictors, targets, positions, supervised } = collate([packed], {
      rows: 1,
      maxLength: 8,
      padTokenId: 0,
    });
    expect([...predictors.slice(0, supervised)]).toEqual([0, 2]);
    expect([...targets.slice(0, supervised)]).toEqual([2, 4]);
    expect([...positions.slice(0, 4)]).toEqual([0, 1, 0, 1]);
  });
});

describe("batchShapes", () => {
  const rows = onePerRow(
    Array.from({ length: 60 }, (_, i) => {
      const length = 5 + ((i * 37) % 41);
      return {
        tokenIds: new Array(length).fill(1),
        mask: Array.from({ length }, (_, t) => (t < i % 4 ? 0 : 1)),
      };
    }),
  );
  const lengths = rows.map(({ tokenIds }) => tokenIds.length);
  const order = { batchSize: 4, gradientAccumulationSteps: 1, groupByLength: true, seed: 7 };
  const plan = planSteps({ ...order, lengths, epochs: 2 });
  const shapes = batchShapes(rows, plan, 64);

  it("gives all batches of a length one shape, which holds what each of them supervises", () => {
    const met = new Map<string, number>();
    for (const { microBatches } of plan.from(0)) {
      const chosen = microBatches.flat().map((row) => rows[row] as Row);
      const batch = collate(chosen, { rows: 4, maxLength: 64, padTokenId: 0, shapes });
      expect(batch.targets.length).toBeGreaterThanOrEqual(batch.supervised);
      const shape = `${batch.time} ${batch.targets.length}`;
      met.set(shape, (met.get(shape) ?? 0) + 1);
    }
    const expected = [...shapes].map(([time, { places, batches }]) => [`${time} ${places}`, batches]);
    expect([...met].sort()).toEqual(expected.sort());
    expect(met.size).toBeLessThanOrEqual(5);
  });
});

describe("planSteps", () => {
  const options: PlanOptions = {
    lengths: Array.from({ length: 50 }, (_, i) => 5 + ((i * 37) % 41)),
    batchSize: 4,
    gradientAccumulationSteps: 3,
    epochs: 2,
    groupByLength: true,
    seed: 7,
  };
  const stepsOf = (plan: ReturnType<typeof planSteps>, from = 0) => [...plan.from(from)];

  it("shows every row once an epoch, the leftovers too", () => {
    const plan = planSteps(options);
    expect([plan.stepsPerEpoch, plan.totalSteps]).toEqual([5, 10]); // 13 batches, the last of 2 rows
    for (const epoch of [0, 1]) {
      const seen = stepsOf(plan)
        .filter((step) => step.epoch === epoch)
        .flatMap(({ microBatches }) => microBatches.flat());
      expect(seen.sort((a, b) => a - b)).toEqual([...options.lengths.keys()]);
    }
  });

  it("goes on from any step exactly as it would have gone", () => {
    const plan = planSteps(options);
    for (const from of [0, 1, 4, 5, 7, 9]) expect(stepsOf(plan, from)).toEqual(stepsOf(plan).slice(from));
  });

  it("orders by the seed and differently in every epoch", () => {
    const first = shuffledBatches(options, 0);
    expect(shuffledBatches(options, 0)).toEqual(first);
    expect(shuffledBatches(options, 1)).not.toEqual(first);
    expect(shuffledBatches({ ...options, seed: 8 }, 0)).not.toEqual(first);
  });

  it("wastes less padding when grouping by length", () => {
    const padding = (groupByLength: boolean) =>
      shuffledBatches({ ...options, groupByLength }, 0).reduce((sum, rows) => {
        const lengths = rows.map((row) => options.lengths[row] ?? 0);
        return sum + lengths.reduce((waste, length) => waste + Math.max(...lengths) - length, 0);
      }, 0);
    expect(padding(true)).toBeLessThan(padding(false) / 3);
  });

  it("stops within an epoch for a fraction of one, and after maxSteps whatever the epochs", () => {
    expect(planSteps({ ...options, epochs: 0.5 }).totalSteps).toBe(3);
    expect(planSteps({ ...options, maxSteps: 17 }).totalSteps).toBe(17);
  });

  it("refuses a batch of no rows and a run of no steps", () => {
    expect(() => planSteps({ ...options, batchSize: 0 })).toThrow(/batchSize/);
    expect(() => planSteps({ ...options, maxSteps: 0 })).toThrow(/maxSteps/);
  });
});
