import { bucketSize, powerOfTwo } from "./bucket.js";
import type { Row } from "./row.js";
import type { BatchShape } from "./shapes.js";

/** A padded batch on the host. `rows × time` numbers lie row by row. */
export interface Batch {
  rows: number;
  time: number;
  /** `[rows, time]` */
  tokenIds: Int32Array;
  /** `[rows, time]`: which example of its row a token belongs to, from 1; 0 for padding. */
  segments: Int32Array;
  /** `[rows, time]`: positions that start again with every example. */
  positions: Int32Array;
  /** Whether any row holds several examples: only then a model needs the segments and positions. */
  packed: boolean;
  /** `[n]`: the place `row · time + t` whose logits predict a supervised token, n of a short series of sizes. */
  predictors: Int32Array;
  /** `[n]`: the token that follows there. */
  targets: Int32Array;
  /** `[n]`: 1, or 0 where the list is only filled up. */
  weights: Float32Array;
  /** Σ weights: how many tokens are learned. */
  supervised: number;
  /** How many tokens there are without padding. */
  tokens: number;
  /** Which examples of the data set are in the batch. */
  examples: number[];
}

export interface CollateOptions {
  /** Fill up with empty rows to this many. */
  rows: number;
  /** No row is longer than this. */
  maxLength: number;
  /** What fills a row. It is never read, attended to or learned, so any id of the vocabulary will do. */
  padTokenId: number;
  /** The shapes of the run, to fill the list of predictors as far. @default to the next power of two */
  shapes?: ReadonlyMap<number, BatchShape>;
}

/**
 * Pads rows on the right to a common length and lists the positions that predict a supervised token.
 *
 * A token is supervised when its mask is 1 and a token of the same example comes before it. Causal attention
 * never looks to the right, so padding needs no mask of its own.
 */
export function collate(
  rows: readonly Row[],
  { rows: count, maxLength, padTokenId, shapes }: CollateOptions,
): Batch {
  const time = bucketSize(Math.max(...rows.map(({ tokenIds }) => tokenIds.length)), maxLength);
  const tokenIds = new Int32Array(count * time).fill(padTokenId);
  const segments = new Int32Array(count * time);
  const positions = new Int32Array(count * time);
  const predictors: number[] = [];
  const targets: number[] = [];

  for (const [index, row] of rows.entries()) {
    let start = 0;
    for (const [t, token] of row.tokenIds.entries()) {
      const at = index * time + t;
      const segment = row.segments?.[t] ?? 1;
      const isFirst = t === 0 || segments[at - 1] !== segment;
      if (isFirst) start = t;
      tokenIds[at] = token;
      segments[at] = segment;
      positions[at] = t - start;
      if (row.mask[t] && !isFirst) {
        predictors.push(at - 1);
        targets.push(token);
      }
    }
  }

  const n = shapes?.get(time)?.places ?? powerOfTwo(predictors.length, count * time);
  return {
    rows: count,
    time,
    tokenIds,
    segments,
    positions,
    packed: rows.some((row) => row.segments !== undefined),
    predictors: fill(new Int32Array(n), predictors),
    targets: fill(new Int32Array(n), targets),
    weights: new Float32Array(n).fill(1, 0, predictors.length),
    supervised: predictors.length,
    tokens: rows.reduce((sum, row) => sum + row.tokenIds.length, 0),
    examples: rows.flatMap(({ examples }) => examples),
  };
}

function fill(array: Int32Array, values: readonly number[]): Int32Array {
  array.set(values);
  return array;
}
