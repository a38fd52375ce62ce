import { readFileSync } from "node:fs";
import type { ColumnTable } from "arquero";
import { Random, type Tensor2D, tf } from "posttrain/backend";
import type { WeightChange } from "posttrain/diagnostics";

/** Written by golden/rank.py with numpy==2.4.6. */
export const golden = JSON.parse(readFileSync(new URL("../golden/rank.json", import.meta.url), "utf8")) as {
  factors: FactorsCase[];
  similarities: SimilarityCase[];
};

export interface FactorsCase {
  name: string;
  a: number[][];
  b: number[][];
  scale: number;
  weight: number[][];
  singularValues: number[];
  rank: number;
  measures: {
    energy: number[];
    rankAt90: number;
    effectiveRank: number;
    stableRank: number;
    participationRatio: number;
    frobeniusNorm: number;
  };
  amplification: Record<string, number>;
  tunedValues: number[];
  similarity: number[];
  nearest: number[];
}

export interface SimilarityCase {
  name: string;
  first: number[][];
  second: number[][];
  phi: number[][];
}

export const gaussian = (rows: number, columns: number, seed: number): Tensor2D => {
  const random = new Random(seed);
  return tf.tensor2d(
    Float32Array.from({ length: rows * columns }, () => random.normal()),
    [rows, columns],
  );
};

/** A change of the golden file, by its factors. */
export const changeOf = ({ a, b, scale, weight, name }: FactorsCase): WeightChange => ({
  path: `model.layers.2.self_attn.${name}`,
  change: () => ({ a: tf.tensor2d(a), b: tf.tensor2d(b), scale }),
  before: () => tf.tensor2d(weight),
});

/** The same change as one matrix. */
export const wholeChangeOf = (golden: FactorsCase): WeightChange => ({
  ...changeOf(golden),
  change: () =>
    tf.tidy(() => tf.mul<Tensor2D>(tf.matMul(tf.tensor2d(golden.b), tf.tensor2d(golden.a)), golden.scale)),
});

/** The rows of a table. */
export const rowsOf = <Row extends object>(table: ColumnTable): Row[] => table.objects() as Row[];

export const distance = (a: tf.Tensor, b: tf.Tensor): number =>
  tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number);
