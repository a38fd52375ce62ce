import { OptionError } from "../errors.js";

/** Singular values σ₁ ≥ σ₂ ≥ … ≥ 0. */
export type SingularValues = ArrayLike<number>;

/**
 * The share of ‖W‖²_F that the first k directions carry, for k = 1, 2, …
 *
 * $$ e_k = \sum_{i \le k} \sigma_i^2 \Big/ \sum_i \sigma_i^2 \tag{RANK-2} $$
 *
 * It ends at 1; of the zero matrix it is 0 throughout.
 */
export function cumulativeEnergy(values: SingularValues): number[] {
  const total = sum(values, square);
  let reached = 0;
  return Array.from(values, (value) => {
    reached += value * value;
    return total > 0 ? reached / total : 0;
  });
}

/**
 * How many directions it takes to carry a share of the energy; 0 for the zero matrix.
 *
 * $$ \operatorname{rank}_{p}(W) = \min\{k : e_k \ge p\} \tag{RANK-3} $$
 *
 * @param share p in (0, 1] @default 0.9
 * @throws {OptionError} when the share is outside (0, 1]
 */
export function rankAtEnergy(values: SingularValues, share = 0.9): number {
  if (!(share > 0 && share <= 1)) {
    throw new OptionError(`a share of the energy is in (0, 1], not ${share}`, {
      code: "diagnostics/share",
      value: share,
      hint: "0.9 asks for the rank at 90 % of the energy.",
    });
  }
  const energy = cumulativeEnergy(values);
  const last = energy.at(-1) ?? 0;
  if (last === 0) return 0;
  return 1 + energy.findIndex((reached) => reached >= share * last); // `last` is 1 but for rounding
}

/**
 * How many singular values are above rounding, as NumPy's `matrix_rank` counts them.
 *
 * $$ \operatorname{rank}(W) = \#\{i : \sigma_i > \sigma_1 \cdot \max(m, n) \cdot \varepsilon\},
 *    \qquad \varepsilon = 2^{-23} \tag{RANK-4} $$
 *
 * A difference W − W₀ of two stored weights carries the rounding of both and so has full rank in this sense;
 * the measures by energy do not mind.
 *
 * @param shape `[m, n]` of the matrix
 */
export function numericalRank(values: SingularValues, shape: readonly [number, number]): number {
  const threshold = (values[0] ?? 0) * Math.max(...shape) * 2 ** -23;
  return sum(values, (value) => (value > threshold ? 1 : 0));
}

/**
 * The number of equal singular values whose entropy would be the same; 0 for the zero matrix.
 *
 * $$ \operatorname{erank}(W) = \exp\Bigl(-\sum_i p_i \log p_i\Bigr), \qquad
 *    p_i = \sigma_i \Big/ \sum_j \sigma_j \tag{RANK-5} $$
 *
 * @source Roy & Vetterli 2007, The effective rank
 */
export function effectiveRank(values: SingularValues): number {
  const total = sum(values);
  if (total === 0) return 0;
  return Math.exp(-sum(values, (value) => (value > 0 ? (value / total) * Math.log(value / total) : 0)));
}

/**
 * How many times the energy of its first direction a matrix has; 0 for the zero matrix.
 *
 * $$ \operatorname{srank}(W) = \|W\|_F^2 \,/\, \|W\|_2^2 = \sum_i \sigma_i^2 \,/\, \sigma_1^2 \tag{RANK-6} $$
 *
 * @source Rudelson & Vershynin 2007
 */
export function stableRank(values: SingularValues): number {
  const first = values[0] ?? 0;
  return first === 0 ? 0 : sum(values, (value) => square(value / first));
}

/**
 * How many directions take part in the energy: of equal ones all, of one large one hardly more than it; 0 for the
 * zero matrix.
 *
 * $$ \operatorname{PR}(W) = \Bigl(\sum_i \sigma_i^2\Bigr)^2 \Big/ \sum_i \sigma_i^4 \tag{RANK-7} $$
 */
export function participationRatio(values: SingularValues): number {
  const first = values[0] ?? 0;
  if (first === 0) return 0;
  const energy = sum(values, (value) => square(value / first));
  return square(energy) / sum(values, (value) => (value / first) ** 4);
}

/** ‖W‖_F = √Σσᵢ² */
export const frobeniusNorm = (values: SingularValues): number => Math.sqrt(sum(values, square));

const square = (x: number): number => x * x;

const sum = (values: SingularValues, of: (value: number) => number = (value) => value): number =>
  Array.from(values).reduce((total, value) => total + of(value), 0);
