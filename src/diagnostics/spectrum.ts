import { type ColumnTable, from } from "arquero";
import { breathe, stopSignal } from "../training/index.js";
import { shapeOf, using, type WeightChange } from "./change.js";
import { changeSingularValues } from "./decompose.js";
import { placeOf } from "./place.js";
import {
  cumulativeEnergy,
  effectiveRank,
  frobeniusNorm,
  numericalRank,
  participationRatio,
  rankAtEnergy,
  stableRank,
} from "./rank.js";

/** The singular values of one weight's change, on the host. */
export interface Spectrum {
  path: string;
  /** `[out, in]` of the weight. */
  shape: [number, number];
  /** Largest first: as many as the adapter's rank, or min(out, in). */
  values: number[];
}

export interface WalkOptions {
  /** Stops between two weights. @default the host's */
  signal?: AbortSignal;
}

/**
 * The singular values of every change, from which the tables of this file are made.
 *
 * @throws {MatrixError} when a change holds NaN or an infinity
 */
export async function spectra(
  changes: readonly WeightChange[],
  { signal }: WalkOptions = {},
): Promise<Spectrum[]> {
  const found: Spectrum[] = [];
  for (const { path, change } of changes) {
    await breathe(stopSignal(signal));
    found.push(
      await using(change(), async (delta) => ({
        path,
        shape: shapeOf(delta),
        values: await using(await changeSingularValues(delta), async (values) =>
          Array.from(await values.data()),
        ),
      })),
    );
  }
  return found;
}

/**
 * All singular values. Columns: `path`, `layer`, `module`, `index` (from 1), `singular_value`, `energy` (share of
 * ‖ΔW‖²_F carried by this direction and those before it).
 */
export function singularValueTable(spectra: readonly Spectrum[]): ColumnTable {
  return from(
    spectra.flatMap(({ path, values }) => {
      const energy = cumulativeEnergy(values);
      return values.map((singular_value, i) => ({
        ...placeOf(path),
        index: i + 1,
        singular_value,
        energy: energy[i],
      }));
    }),
  );
}

export interface RankOptions {
  /** Share of the energy that `rank_at_share` has to carry. @default 0.9 */
  share?: number;
}

/**
 * How large the rank of every change is, by every measure. Columns: `path`, `layer`, `module`, `rows`, `columns`,
 * `full_rank` (min of the two), `rank` (above rounding), `rank_at_share`, `share`, `effective_rank`, `stable_rank`,
 * `participation_ratio`, `frobenius_norm`, `spectral_norm`.
 *
 * @throws {OptionError} when the share is outside (0, 1]
 */
export function rankTable(spectra: readonly Spectrum[], { share = 0.9 }: RankOptions = {}): ColumnTable {
  return from(
    spectra.map(({ path, shape, values }) => ({
      ...placeOf(path),
      ...{ rows: shape[0], columns: shape[1], full_rank: Math.min(...shape) },
      rank: numericalRank(values, shape),
      ...{ rank_at_share: rankAtEnergy(values, share), share },
      effective_rank: effectiveRank(values),
      stable_rank: stableRank(values),
      participation_ratio: participationRatio(values),
      ...{ frobenius_norm: frobeniusNorm(values), spectral_norm: values[0] ?? 0 },
    })),
  );
}
