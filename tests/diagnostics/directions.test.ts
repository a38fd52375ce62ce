import { qr, svd, type Tensor2D, tf, useBackend } from "posttrain/backend";
import {
  adapterSimilarity,
  amplificationTable,
  intruderTable,
  randomBasis,
  singularVectorSimilarity,
  subspaceSimilarity,
  type WeightChange,
} from "posttrain/diagnostics";
import { OptionError, ShapeError } from "posttrain/errors";
import { beforeAll, describe, expect, it } from "vitest";
import { changeOf, gaussian, golden, rowsOf, wholeChangeOf } from "./golden.js";

beforeAll(async () => {
  await useBackend();
});

interface Similarity {
  i: number;
  j: number;
  similarity: number;
  random: number;
}
type Row = Record<string, number>;

const phi = async (first: Tensor2D, second: Tensor2D) =>
  rowsOf<Similarity>(await subspaceSimilarity(first, second));

describe("subspace similarity", () => {
  it.each(golden.similarities)("equals NumPy's: $name", async ({ first, second, phi: expected }) => {
    const factors = (a: number[][]): WeightChange => ({
      path: "m",
      change: () => ({ a: tf.tensor2d(a), b: tf.ones([3, a.length]), scale: 1 }),
    });
    const rows = rowsOf<Similarity>(await adapterSimilarity([factors(first)], [factors(second)]));
    expect(rows).toHaveLength(first.length * second.length);
    for (const { i, j, similarity, random } of rows) {
      expect(similarity).toBeCloseTo(expected[i - 1]?.[j - 1] ?? Number.NaN, 4);
      expect(random).toBeCloseTo(Math.max(i, j) / (first[0]?.length ?? 0), 12);
    }
  });

  it.each([
    1, 2, 3, 4, 5,
  ])("is between 0 and 1, symmetric, and 1 of a subspace with itself (seed %i)", async (seed) => {
    const [u, v] = [randomBasis(20, 6, seed), randomBasis(20, 4, seed + 50)];
    const [there, back, self] = [await phi(u, v), await phi(v, u), await phi(u, u)];
    for (const { i, j, similarity } of there) {
      expect(similarity).toBeGreaterThanOrEqual(0);
      expect(similarity).toBeLessThanOrEqual(1 + 1e-5);
      expect(back.find((row) => row.i === j && row.j === i)?.similarity).toBeCloseTo(similarity, 5);
    }
    for (const { similarity } of self) expect(similarity).toBeCloseTo(1, 5);
    tf.dispose([u, v]);
  });

  it.each([1, 2, 3])("depends on the subspace and not on its basis (seed %i)", async (seed) => {
    const [u, v, turn] = [
      randomBasis(15, 4, seed),
      randomBasis(15, 5, seed + 9),
      randomBasis(4, 4, seed + 99),
    ];
    const turned = tf.matMul<Tensor2D>(u, turn);
    const last = (rows: Similarity[]) => rows.filter(({ i }) => i === 4).map(({ similarity }) => similarity);
    const [before, after] = [last(await phi(u, v)), last(await phi(turned, v))];
    for (const [j, value] of after.entries()) expect(value).toBeCloseTo(before[j] ?? 0, 5);
    tf.dispose([u, v, turn, turned]);
  });

  it("is on average max(i, j) / d for random subspaces, as the baseline says", async () => {
    const sums = new Map<string, number>();
    const draws = 300;
    for (let seed = 0; seed < draws; seed++) {
      const [u, v] = [randomBasis(12, 3, 2 * seed), randomBasis(12, 2, 2 * seed + 1)];
      for (const { i, j, similarity } of await phi(u, v)) {
        sums.set(`${i},${j}`, (sums.get(`${i},${j}`) ?? 0) + similarity / draws);
      }
      tf.dispose([u, v]);
    }
    for (const [pair, mean] of sums) {
      const [i = 0, j = 0] = pair.split(",").map(Number);
      expect(mean).toBeCloseTo(Math.max(i, j) / 12, 1.3); // within 0.025, about four standard errors
    }
  });

  it("is 0 for orthogonal subspaces and 1 where one contains the other", async () => {
    const axes = tf.eye(6);
    const [first, rest, both] = tf.tidy(() => [
      tf.slice(axes, [0, 0], [6, 2]),
      tf.slice(axes, [0, 2], [6, 3]),
      tf.slice(axes, [0, 0], [6, 4]),
    ]) as [Tensor2D, Tensor2D, Tensor2D];
    for (const { similarity } of await phi(first, rest)) expect(similarity).toBe(0);
    expect((await phi(first, both)).at(-1)?.similarity).toBeCloseTo(1, 6);
    tf.dispose([axes, first, rest, both]);
  });

  it("finds the same input and output directions by the factors as in the whole change", async () => {
    for (const item of golden.factors) {
      for (const directions of ["in", "out"] as const) {
        const rows = rowsOf<Similarity>(
          await adapterSimilarity([changeOf(item)], [wholeChangeOf(item)], { directions, most: item.rank }),
        );
        expect(rows).toHaveLength(item.rank ** 2);
        for (const { i, j, similarity } of rows) if (i === j) expect(similarity).toBeCloseTo(1, 4);
      }
    }
  });

  it("refuses bases of different spaces, bases that are not orthonormal, and trainings without a common weight", async () => {
    const [u, v] = [randomBasis(6, 2, 1), randomBasis(7, 2, 1)];
    await expect(subspaceSimilarity(u, v)).rejects.toThrow(ShapeError);
    const long = tf.mul(u, 2) as Tensor2D;
    await expect(subspaceSimilarity(u, long)).rejects.toThrow(/second basis are not orthonormal/);
    tf.dispose([u, v, long]);
    const [one, other] = golden.factors.map(changeOf) as [WeightChange, WeightChange];
    await expect(adapterSimilarity([one], [other])).rejects.toThrow(/no weight in common/);
    const whole = wholeChangeOf(golden.factors[0] as never);
    await expect(adapterSimilarity([whole], [whole])).rejects.toThrow(/no factor A/);
    for (const [dimension, count] of [
      [3, 4],
      [3, 1.5],
      [2.5, 1],
    ] as const)
      expect(() => randomBasis(dimension, count, 1)).toThrow(OptionError);
    const line = tf.tensor1d([1]);
    await expect(subspaceSimilarity(line as never, line as never)).rejects.toThrow(ShapeError);
    line.dispose();
  });

  it("refuses a change that is zero, whose directions are any", async () => {
    const zero = { path: "zero", change: () => tf.zeros<tf.Rank.R2>([3, 4]) };
    await expect(adapterSimilarity([zero], [zero], { directions: "in" })).rejects.toThrow(
      /zero has no directions/,
    );
  });

  it("compares as many directions as the rank of each change", async () => {
    const outer = {
      path: "w",
      change: () =>
        tf.tensor2d([
          [1, 2, 3],
          [2, 4, 6],
        ]),
    };
    const rows = rowsOf<Similarity>(await adapterSimilarity([outer], [outer], { directions: "out" }));
    expect(rows).toHaveLength(1);
    expect(rows[0]?.similarity).toBeCloseTo(1, 5);
  });

  it.each([
    { most: 0 },
    { most: -1 },
    { most: 1.5 },
    { most: Number.NaN },
    { directions: "X" as "A" },
  ])("refuses to compare %j", async (options) => {
    const change = changeOf(golden.factors[0] as never);
    await expect(adapterSimilarity([change], [change], options)).rejects.toThrow(OptionError);
  });
});

describe("amplification", () => {
  it.each(golden.factors)("equals NumPy's: $name", async (item) => {
    const byFactors = amplificationTable([changeOf(item)]);
    const whole = amplificationTable([wholeChangeOf(item)], { rank: item.rank });
    for (const table of [await byFactors, await whole]) {
      const [row] = rowsOf<Row>(table);
      for (const [name, value] of Object.entries(item.amplification)) {
        expect((row?.[name] ?? 0) / value, name).toBeCloseTo(1, 4);
      }
      expect(row?.random_norm).toBeCloseTo(
        (item.rank * (row?.weight_norm ?? 0)) / Math.sqrt(item.weight.flat().length),
        4,
      );
    }
  });

  it("is s for ΔW = s·W₀ within W₀'s own first directions, where nothing is projected away", async () => {
    const weight = gaussian(8, 5, 1);
    const change = { path: "m", before: () => tf.clone(weight), change: () => tf.mul<Tensor2D>(weight, 3) };
    const [row] = rowsOf<Row>(await amplificationTable([change], { rank: 2 }));
    expect(row?.amplification).toBeCloseTo(3, 4);
    expect(row?.projected_norm).toBeCloseTo(row?.top_norm ?? 0, 4);
    weight.dispose();
  });

  it("takes as many directions of a whole change as carry 90 % of its energy", async () => {
    const values = [10, 4, 1, 0.1];
    const diagonal = () => tf.tidy(() => tf.mul<Tensor2D>(tf.eye(4), tf.tensor1d(values)));
    const [row] = rowsOf<Row>(await amplificationTable([{ path: "m", before: diagonal, change: diagonal }]));
    expect(row).toMatchObject({ rank: 2 });
    expect(row?.change_norm).toBeCloseTo(Math.sqrt(116), 4);
  });

  it("refuses a change without W₀, and more directions than there are", async () => {
    const [item] = golden.factors as [never];
    const { path, change } = changeOf(item);
    await expect(amplificationTable([{ path, change }])).rejects.toThrow(/is not known/);
    await expect(amplificationTable([changeOf(item)], { rank: 4 })).rejects.toThrow(OptionError);
  });

  it("has a row for a change that is zero, which has no directions to strengthen", async () => {
    const zero = {
      path: "m",
      before: () => tf.ones<tf.Rank.R2>([2, 2]),
      change: () => tf.zeros<tf.Rank.R2>([2, 2]),
    };
    const [row] = rowsOf<Row>(await amplificationTable([zero]));
    expect(row).toMatchObject({ rank: 0, change_norm: 0, weight_norm: 2, amplification: null });
    await expect(amplificationTable([zero], { rank: 3 })).rejects.toThrow(/zero has no directions/);
  });
});

describe("intruder dimensions", () => {
  it.each(golden.factors)("have NumPy's similarities: $name", async (item) => {
    const rows = rowsOf<Row>(await intruderTable([changeOf(item)], { top: 4 }));
    expect(rows).toHaveLength(4);
    for (const [i, row] of rows.entries()) {
      expect(row.similarity).toBeCloseTo(item.similarity[i] ?? 0, 4);
      expect(row.nearest).toBe(item.nearest[i]);
      expect(row.singular_value).toBeCloseTo(item.tunedValues[i] ?? 0, 3);
      expect(row.intruder).toBe((item.similarity[i] ?? 0) < 0.5);
    }
  });

  it("are found where a new direction was put in, and only there", async () => {
    const { weight, added } = tf.tidy(() => {
      const { q } = qr(gaussian(20, 20, 3));
      const own = tf.slice(q, [0, 0], [20, 5]); // the pre-trained weight knows five directions
      const weight = tf.matMul(tf.mul(own, [5, 4, 3, 2, 1]), svd(gaussian(5, 5, 4)).u);
      const fresh = tf.slice(q, [0, 10], [20, 1]);
      return {
        weight: tf.keep(weight) as Tensor2D,
        added: tf.keep(tf.mul(tf.matMul(fresh, tf.ones([1, 5])), 4)) as Tensor2D,
      };
    });
    const at = (path: string, change: () => Tensor2D): WeightChange => ({
      path,
      before: () => tf.clone(weight),
      change,
    });
    const rows = rowsOf<Row & { path: string; intruder: boolean }>(
      await intruderTable([at("intruded", () => tf.clone(added)), at("scaled", () => tf.mul(weight, 0.5))], {
        top: 3,
      }),
    );
    expect(rows.filter(({ path }) => path === "intruded").map(({ intruder }) => intruder)).toEqual([
      true,
      false,
      false,
    ]);
    expect(rows.filter(({ path }) => path === "scaled").map(({ intruder }) => intruder)).toEqual([
      false,
      false,
      false,
    ]);
    tf.dispose([weight, added]);
  });

  it("are none when nothing changed: every vector is its own nearest", async () => {
    const weight = gaussian(9, 6, 5);
    const rows = rowsOf<{ tuned: number; pretrained: number; similarity: number }>(
      await singularVectorSimilarity(weight, weight, { top: 4, side: "in" }),
    );
    expect(rows).toHaveLength(4 * 6);
    for (const { tuned, pretrained, similarity } of rows)
      expect(similarity).toBeCloseTo(tuned === pretrained ? 1 : 0, 4);
    weight.dispose();
  });

  it("refuse a threshold outside [0, 1] and a number of vectors below 1", async () => {
    const change = changeOf(golden.factors[0] as never);
    await expect(intruderTable([change], { threshold: 2 })).rejects.toThrow(OptionError);
    await expect(intruderTable([change], { top: 0 })).rejects.toThrow(OptionError);
    await expect(intruderTable([change], { side: "left" as "out" })).rejects.toThrow(/Choose out or in/);
  });
});

it("leaves no tensor behind, after an error as well", async () => {
  const changes = golden.factors.map(changeOf);
  const before = tf.memory().numTensors;
  await adapterSimilarity(changes, changes);
  await amplificationTable(changes);
  await intruderTable(changes);
  await expect(amplificationTable(changes, { rank: 9 })).rejects.toThrow(OptionError);
  await expect(adapterSimilarity(changes, golden.factors.map(wholeChangeOf))).rejects.toThrow(OptionError);
  expect(tf.memory().numTensors).toBe(before);
});
