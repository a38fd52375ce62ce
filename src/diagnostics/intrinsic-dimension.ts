import { type ColumnTable, from } from "arquero";
import { DataError } from "../errors.js";
import { requireRange } from "../training/index.js";

/** What training in a subspace reached. */
export type SubspaceScore = {
  /** d */
  dimension: number;
  /** Any score: accuracy, or a loss. */
  score: number;
  /** What training all weights reaches. */
  baseline: number;
  /** What the untrained model has. @default 0 */
  start?: number;
  /** Which of several models, for example `"pre-trained"`. */
  model?: string;
};

/**
 * The share of the full training's gain that a subspace reaches. Columns: `model`, `dimension`, `score`,
 * `baseline`, `start`, `recovered`; rows by model and rising dimension.
 *
 * $$ \text{recovered}(d) = \frac{\text{score}(d) - \text{start}}{\text{baseline} - \text{start}} \tag{DIM-2} $$
 *
 * With accuracies and start 0 this is the papers' share of the baseline; with losses the start must be given.
 *
 * @throws {DataError} when a baseline equals its start or a number is not finite
 */
export function recoveredTable(scores: readonly SubspaceScore[]): ColumnTable {
  const rows = scores.map(({ model = "", dimension, score, baseline, start = 0 }) => {
    const recovered = (score - start) / (baseline - start);
    if (Number.isFinite(recovered) && dimension > 0)
      return { model, dimension, score, baseline, start, recovered };
    throw new DataError(`the score at dimension ${dimension} cannot be compared with full training`, {
      code: "diagnostics/no-gain",
      value: { model, dimension, score, baseline, start },
      hint: "All numbers must be finite, dimensions positive, and the baseline another than the start.",
    });
  });
  const models = [...new Set(rows.map(({ model }) => model))];
  const order = (row: { model: string }) => models.indexOf(row.model);
  return from(rows.sort((a, b) => order(a) - order(b) || a.dimension - b.dimension));
}

/**
 * The intrinsic dimension: the fewest dimensions that recover a share of what full training gains.
 *
 * $$ d_{90} = \min\{d : \text{recovered}(d) \ge 0.9\} \tag{DIM-3} $$
 *
 * Columns: `model`, `share`, `d90` (the smallest dimension measured that reaches it; null when none does),
 * `interpolated` (where the curve crosses the share, on a logarithmic axis between the dimensions measured; null
 * with `d90`).
 *
 * @param share @default 0.9
 * @throws {DataError} when a score cannot be compared
 * @throws {OptionError} when the share is outside [0, 1]
 * @source Li et al. 2018, section 2; Aghajanyan et al. 2020
 */
export function intrinsicDimension(scores: readonly SubspaceScore[], share = 0.9): ColumnTable {
  requireRange("share", share, 0, 1);
  const rows = recoveredTable(scores).objects() as { model: string; dimension: number; recovered: number }[];
  const models = [...new Set(rows.map(({ model }) => model))];
  return from(
    models.map((model) => {
      const curve = rows.filter((row) => row.model === model);
      const at = curve.findIndex(({ recovered }) => recovered >= share);
      const [before, reached] = [curve[at - 1], curve[at]];
      if (!reached) return { model, share, d90: null, interpolated: null };
      const crossing = before
        ? (share - before.recovered) / (reached.recovered - before.recovered) // of the way to the next point
        : 1;
      const from = before?.dimension ?? reached.dimension;
      const interpolated = from * (reached.dimension / from) ** crossing;
      return { model, share, d90: reached.dimension, interpolated };
    }),
  );
}
