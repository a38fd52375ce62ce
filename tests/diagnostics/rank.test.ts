import { MatrixError, tf, useBackend } from "posttrain/backend";
import {
  type Change,
  changeNorm,
  changeSingularValues,
  cumulativeEnergy,
  decompose,
  denseChange,
  effectiveRank,
  frobeniusNorm,
  normTable,
  numericalRank,
  participationRatio,
  rankAtEnergy,
  rankTable,
  singularValueTable,
  spectra,
  stableRank,
  type WeightChange,
} from "posttrain/diagnostics";
import { OptionError, ShapeError } from "posttrain/errors";
import { beforeAll, describe, expect, it } from "vitest";
import { changeOf, distance, gaussian, golden, rowsOf, wholeChangeOf } from "./golden.js";

beforeAll(async () => {
  await useBackend();
});

type RankRow = Record<string, number> & { path: string; module: string };

describe("the measures of rank", () => {
  it.each(golden.factors)("equal NumPy's: $name", ({ singularValues: s, measures }) => {
    expect(rankAtEnergy(s)).toBe(measures.rankAt90);
    expect(effectiveRank(s)).toBeCloseTo(measures.effectiveRank, 9);
    expect(stableRank(s)).toBeCloseTo(measures.stableRank, 9);
    expect(participationRatio(s)).toBeCloseTo(measures.participationRatio, 9);
    expect(frobeniusNorm(s)).toBeCloseTo(measures.frobeniusNorm, 9);
    for (const [k, energy] of cumulativeEnergy(s).entries())
      expect(energy).toBeCloseTo(measures.energy[k] ?? 0, 9);
  });

  it("are all n for n equal singular values, whatever their size", () => {
    for (const [n, size] of [
      [1, 3],
      [4, 1e-20],
      [7, 1e18],
    ] as const) {
      const values = new Array<number>(n).fill(size);
      for (const measure of [effectiveRank, stableRank, participationRatio])
        expect(measure(values)).toBeCloseTo(n, 9);
      expect(rankAtEnergy(values, 1)).toBe(n);
      expect(numericalRank(values, [n, n])).toBe(n);
    }
  });

  it("are all 0 for the zero matrix", () => {
    const zeros = [0, 0, 0];
    for (const measure of [effectiveRank, stableRank, participationRatio, rankAtEnergy, frobeniusNorm]) {
      expect(measure(zeros)).toBe(0);
    }
    expect(numericalRank(zeros, [3, 3])).toBe(0);
    expect(cumulativeEnergy(zeros)).toEqual([0, 0, 0]);
  });

  it.each([
    1, 2, 3, 4, 5, 6, 7, 8,
  ])("keep their order on any spectrum, and do not mind its scale (seed %i)", async (seed) => {
    const matrix = gaussian(9, 6, seed);
    const tensor = await changeSingularValues(matrix);
    const s = Array.from(await tensor.data());
    tf.dispose([matrix, tensor]);
    // Rényi numbers of order ∞, 2 and 1 of the energies: each is at most the next, and all at most the rank.
    const byEnergy = effectiveRank(s.map((value) => value ** 2));
    expect(stableRank(s)).toBeGreaterThanOrEqual(1);
    expect(stableRank(s)).toBeLessThanOrEqual(participationRatio(s));
    expect(participationRatio(s)).toBeLessThanOrEqual(byEnergy);
    expect(byEnergy).toBeLessThanOrEqual(effectiveRank(s)); // squaring only sharpens a distribution
    expect(effectiveRank(s)).toBeLessThanOrEqual(6);
    expect(rankAtEnergy(s, 0.5)).toBeLessThanOrEqual(rankAtEnergy(s, 0.9));
    expect(cumulativeEnergy(s).at(-1)).toBeCloseTo(1, 12);
    const scaled = s.map((value) => value * 1e-6);
    for (const measure of [effectiveRank, stableRank, participationRatio, rankAtEnergy]) {
      expect(measure(scaled)).toBeCloseTo(measure(s), 9);
    }
  });

  it.each([0, -0.1, 1.1, Number.NaN])("refuse a share of the energy of %d", (share) => {
    expect(() => rankAtEnergy([1, 2], share)).toThrow(OptionError);
  });
});

describe("a change given by its factors", () => {
  it.each(golden.factors)("has NumPy's singular values: $name", async (item) => {
    const change = changeOf(item).change();
    const { u, s, v } = await decompose(change);
    const values = await changeSingularValues(change);
    const whole = denseChange(change);
    tf.tidy(() => {
      expect(distance(s, tf.tensor1d(item.singularValues))).toBeLessThan(1e-4);
      expect(distance(values, s)).toBeLessThan(1e-4);
      expect(distance(tf.matMul(tf.mul(u, s), v, false, true), whole)).toBeLessThan(1e-4);
      for (const vectors of [u, v]) {
        expect(distance(tf.matMul(vectors, vectors, true), tf.eye(vectors.shape[1] as number))).toBeLessThan(
          1e-5,
        );
      }
      expect(changeNorm(change).dataSync()[0]).toBeCloseTo(item.measures.frobeniusNorm, 4);
      expect(changeNorm(whole).dataSync()[0]).toBeCloseTo(item.measures.frobeniusNorm, 4);
    });
    tf.dispose([u, s, v, values, whole, change as never]);
  });

  it.each([1, 3, 5, 8])("gives what the whole matrix gives, and its rank exactly (rank %i)", async (rank) => {
    const factors: Change = { a: gaussian(rank, 40, rank), b: gaussian(30, rank, rank + 100), scale: 2 };
    const weights: WeightChange[] = [
      { path: "factors", change: () => ({ ...factors, a: tf.clone(factors.a), b: tf.clone(factors.b) }) },
      { path: "whole", change: () => denseChange(factors) },
    ];
    const [byFactors, whole] = rowsOf<RankRow>(rankTable(await spectra(weights)));
    tf.dispose([factors.a, factors.b]);
    expect(byFactors).toMatchObject({ rank, rows: 30, columns: 40, full_rank: 30 });
    expect(whole).toMatchObject({ rank, rank_at_share: byFactors?.rank_at_share });
    for (const name of ["stable_rank", "participation_ratio", "frobenius_norm", "spectral_norm"] as const) {
      expect((whole?.[name] ?? 0) / (byFactors?.[name] ?? 1)).toBeCloseTo(1, 4);
    }
  });

  it("has rank 0 while B is zero", async () => {
    const change = () => ({ a: gaussian(4, 9, 1), b: tf.zeros<tf.Rank.R2>([7, 4]), scale: 1 });
    const [row] = rowsOf<RankRow>(rankTable(await spectra([{ path: "m", change }])));
    expect(row).toMatchObject({
      rank: 0,
      rank_at_share: 0,
      effective_rank: 0,
      stable_rank: 0,
      frobenius_norm: 0,
    });
  });

  it("is refused when A and B have no common rank, or hold NaN", async () => {
    const [a, b] = [gaussian(3, 5, 1), gaussian(6, 2, 1)];
    await expect(decompose({ a, b, scale: 1 })).rejects.toThrow(ShapeError);
    const bad = tf.tensor2d([Number.NaN, 1, 2, 3, 4, 5], [3, 2]);
    await expect(
      changeSingularValues({ a: tf.tidy(() => tf.slice(a, [0, 0], [2, 5])), b: bad, scale: 1 }),
    ).rejects.toThrow(MatrixError);
    tf.disposeVariables();
  });
});

describe("the tables", () => {
  const weights = () => golden.factors.flatMap((item) => [changeOf(item), wholeChangeOf(item)]);

  it("have a row for every weight, saying where it is", async () => {
    const table = rankTable(await spectra(weights()), { share: 0.5 });
    expect(table.columnNames()).toEqual([
      ...["path", "layer", "module", "rows", "columns", "full_rank", "rank", "rank_at_share", "share"],
      ...["effective_rank", "stable_rank", "participation_ratio", "frobenius_norm", "spectral_norm"],
    ]);
    expect(table.numRows()).toBe(2 * golden.factors.length);
    expect(rowsOf<RankRow>(table)[0]).toMatchObject({ layer: 2, module: "tall, rank 3", share: 0.5 });
  });

  it("list every singular value with the energy reached", async () => {
    const rows = rowsOf<RankRow>(singularValueTable(await spectra(weights().slice(0, 1))));
    const [item] = golden.factors;
    expect(rows.map(({ index }) => index)).toEqual([1, 2, 3]);
    for (const [i, row] of rows.entries()) {
      expect(row.singular_value).toBeCloseTo(item?.singularValues[i] ?? 0, 3);
      expect(row.energy).toBeCloseTo(item?.measures.energy[i] ?? 0, 5);
    }
  });

  it("name layer and module as Llama and GPT-2 do, and neither outside the blocks", async () => {
    const at = (path: string): WeightChange => ({ path, change: () => tf.ones([2, 2]) });
    const paths = [
      ...["model.layers.11.self_attn.q_proj", "model.layers.0.mlp.down_proj"],
      ...["transformer.h.3.attn.c_proj", "transformer.h.3.mlp.c_proj", "lm_head"],
    ];
    const rows = rowsOf<RankRow>(await normTable(paths.map(at)));
    expect(rows.map(({ layer, module }) => [layer, module])).toEqual([
      ...[
        [11, "q_proj"],
        [0, "down_proj"],
      ],
      ...[
        [3, "attn.c_proj"],
        [3, "mlp.c_proj"],
        [null, "lm_head"],
      ],
    ]);
  });

  it("compare the norm of a change with that of its weight where it is known", async () => {
    const change = () => tf.fill<tf.Rank.R2>([3, 3], 0.5);
    const [known, unknown] = rowsOf<RankRow>(
      await normTable([
        { path: "known", change, before: () => tf.fill([3, 3], 2) },
        { path: "unknown", change },
      ]),
    );
    expect(known).toMatchObject({ frobenius_norm: 1.5, weight_norm: 6, relative_norm: 0.25 });
    expect(unknown).toMatchObject({ frobenius_norm: 1.5, weight_norm: null, relative_norm: null });
  });

  it("leave no tensor behind, also when a change cannot be decomposed", async () => {
    const before = tf.memory().numTensors;
    await spectra(weights());
    await normTable(weights());
    const broken = { path: "broken", change: () => tf.fill<tf.Rank.R2>([2, 2], Number.NaN) };
    await expect(spectra([broken])).rejects.toThrow(MatrixError);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("stop between two weights when the user interrupts", async () => {
    const abort = new AbortController();
    const interrupted = {
      path: "m",
      change: () => {
        abort.abort(new Error("enough"));
        return tf.ones<tf.Rank.R2>([2, 2]);
      },
    };
    await expect(spectra([interrupted, interrupted], { signal: abort.signal })).rejects.toThrow("enough");
  });
});
