import { type ColumnTable, from } from "arquero";
import { singularValues } from "../backend/index.js";
import { type Tensor2D, tf } from "../backend/tf.js";
import { OptionError } from "../errors.js";
import { breathe, stopSignal } from "../training/index.js";
import { isFactors, using, type WeightChange } from "./change.js";
import { decompose } from "./decompose.js";
import { changeNorm, projectedNorm, read } from "./norms.js";
import { placeOf } from "./place.js";
import { frobeniusNorm, rankAtEnergy } from "./rank.js";
import type { WalkOptions } from "./spectrum.js";

export interface AmplificationOptions extends WalkOptions {
  /** r: how many directions of ΔW are looked at. @default the adapter's rank; without factors the rank at 90 % of the energy */
  rank?: number;
}

/**
 * Does ΔW strengthen directions that W₀ has already? With U and V the first r singular vectors of ΔW,
 *
 * $$ \text{amplification} = \frac{\|\Delta W_r\|_F}{\|U^\top W_0 V\|_F} \tag{RANK-10} $$
 *
 * is large where the change stresses what was there but not prominent. Columns: `path`, `layer`, `module`, `rank`
 * (r), `change_norm` (‖ΔW_r‖_F, all of ΔW when r is its rank), `projected_norm` (‖UᵀW₀V‖_F), `top_norm` (the same
 * with W₀'s own first r directions, the most there can be), `random_norm` (with random directions: the root of the
 * expected square, r‖W₀‖_F/√(mn)), `weight_norm` (‖W₀‖_F), `amplification`. Where all of ΔW is zero, r is 0 and
 * `amplification` null.
 *
 * @throws {OptionError} when a change comes without W₀, or the rank is not from 1 to that of the change
 * @source Hu et al. 2021 (LoRA), section 7.3, table 7
 */
export async function amplificationTable(
  changes: readonly WeightChange[],
  { rank, signal }: AmplificationOptions = {},
): Promise<ColumnTable> {
  const rows = [];
  for (const weight of changes) {
    await breathe(stopSignal(signal));
    rows.push({ ...placeOf(weight.path), ...(await amplification(weight, rank)) });
  }
  return from(rows);
}

/** Of a change that is zero. */
const NO_DIRECTIONS = {
  ...{ rank: 0, change_norm: 0, projected_norm: 0, top_norm: 0, random_norm: 0, weight_norm: 0 },
  amplification: null,
};

async function amplification(weight: WeightChange, wanted: number | undefined) {
  const before = originalOf(weight);
  return using(before, () =>
    using(weight.change(), async (change) =>
      using(await decompose(change), async ({ u, s, v }) => {
        const values = Array.from(await s.data());
        const rank = wanted ?? (isFactors(change) ? values.length : rankAtEnergy(values));
        const weight_norm = await read(changeNorm(before));
        if (rank === 0 && wanted === undefined) return { ...NO_DIRECTIONS, weight_norm };
        requireRank(rank, values.length, weight.path);
        const first = (vectors: Tensor2D): Tensor2D => tf.slice(vectors, [0, 0], [vectors.shape[0], rank]);
        const projected_norm = await read(tf.tidy(() => projectedNorm(before, first(u), first(v))));
        const own = await using(
          await using(tf.clone(before), singularValues), // read anew: WebGPU forgets what it has computed with
          async (top) => Array.from(await top.data()),
        );
        const change_norm = frobeniusNorm(values.slice(0, rank));
        const random_norm = (rank * weight_norm) / Math.sqrt(before.size);
        const top_norm = frobeniusNorm(own.slice(0, rank));
        const amplification = change_norm / projected_norm;
        return { rank, change_norm, projected_norm, top_norm, random_norm, weight_norm, amplification };
      }),
    ),
  );
}

/** W₀ of a change. @throws {OptionError} when it is not known */
export function originalOf({ path, before }: WeightChange): Tensor2D {
  if (before) return before();
  throw new OptionError(`the weight that ${path} started from is not known`, {
    code: "diagnostics/no-original",
    value: path,
    hint: "Give the change a `before` that returns W₀ as [out, in].",
  });
}

function requireRank(rank: number, most: number, path: string): void {
  if (Number.isInteger(rank) && rank >= 1 && rank <= most) return;
  throw new OptionError(`${rank} directions of ${path} were asked for, but its change has 1 to ${most}`, {
    code: "diagnostics/rank",
    value: rank,
    hint: "Leave `rank` out to take as many as the adapter has. A change that is zero has no directions.",
  });
}
