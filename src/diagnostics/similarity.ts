import { type ColumnTable, from } from "arquero";
import { qr, Random } from "../backend/index.js";
import { type Tensor2D, tf } from "../backend/tf.js";
import { OptionError, ShapeError } from "../errors.js";
import { breathe, requireCount, stopSignal } from "../training/index.js";
import { type Change, isFactors, shapeOf, using, type WeightChange } from "./change.js";
import { decompose } from "./decompose.js";
import { type Place, placeOf } from "./place.js";
import { numericalRank } from "./rank.js";
import type { WalkOptions } from "./spectrum.js";

/**
 * How much of the span of the first i directions of one basis lies in the span of the first j of another, for all
 * i and j: 0 when the two are orthogonal, 1 when one contains the other.
 *
 * $$ \phi(i, j) = \frac{\|U_i^\top V_j\|_F^2}{\min(i, j)} \in [0, 1], \qquad
 *    \mathbb E\,\phi = \frac{\max(i, j)}{d} \text{ for random subspaces} \tag{RANK-9} $$
 *
 * @param first  U, orthonormal columns `[d, m]`, the most important first; stays the caller's
 * @param second V, orthonormal columns `[d, n]`; stays the caller's
 * @returns columns `i` (1 … m), `j` (1 … n), `similarity` (φ), `random` (its expectation for random subspaces)
 * @throws {ShapeError} when the bases are of different spaces
 * @throws {OptionError} when the columns of one are not orthonormal
 * @source Hu et al. 2021 (LoRA), eq. 4; what random matrices give is the right of its figure 4
 */
export async function subspaceSimilarity(first: Tensor2D, second: Tensor2D): Promise<ColumnTable> {
  return from(await similarities(first, second));
}

async function similarities(first: Tensor2D, second: Tensor2D) {
  const [dimension, m] = first.shape;
  const n = second.shape[1];
  if (first.rank !== 2 || second.rank !== 2 || second.shape[0] !== dimension) {
    throw new ShapeError(`the bases are of different spaces: [${first.shape}] and [${second.shape}]`, {
      code: "diagnostics/bases-mismatch",
      value: { first: first.shape, second: second.shape },
      hint: "Compare the same side of the same weight: both [in, …] or both [out, …].",
    });
  }
  await requireOrthonormal({ first, second });
  const squares = tf.tidy(() => tf.square(tf.matMul(first, second, true))); // [m, n]
  const overlap = await using(squares, () => squares.data());
  const above = new Float64Array(n); // Σ over the rows so far, for every column
  return Array.from({ length: m }, (_, row) => {
    let total = 0; // ‖UᵢᵀVⱼ‖²
    return Array.from({ length: n }, (_, column) => {
      above[column] = (above[column] ?? 0) + (overlap[row * n + column] ?? 0);
      total += above[column] ?? 0;
      const [i, j] = [row + 1, column + 1];
      return { i, j, similarity: total / Math.min(i, j), random: Math.max(i, j) / dimension };
    });
  }).flat();
}

/** Which directions of a change are compared. */
export type Directions = "A" | "B" | "in" | "out";

export interface SimilarityOptions extends WalkOptions {
  /**
   * `"A"`: right singular vectors of A, as in the paper; `"B"`: left singular vectors of B; `"in"` and `"out"`: right
   * and left singular vectors of ΔW, which weights without factors have too.
   * @default "A"
   */
  directions?: Directions;
  /** Only the first so many directions of each. @default all */
  most?: number;
}

/**
 * φ(i, j) between two trainings of the same model, for every weight that both have changed. Columns: `path`,
 * `layer`, `module`, `i`, `j`, `similarity`, `random`.
 *
 * Directions are compared up to the rank of each change, as far as rounding lets it be seen.
 *
 * @throws {OptionError} when the two have no weight in common, factors are asked for where there are none, or a
 *   change is zero and so has no directions
 */
export async function adapterSimilarity(
  first: readonly WeightChange[],
  second: readonly WeightChange[],
  { directions = "A", most, signal }: SimilarityOptions = {},
): Promise<ColumnTable> {
  requireDirections(directions);
  if (most !== undefined) requireCount("most", most);
  const partners = new Map(second.map((weight) => [weight.path, weight]));
  const rows: (Place & Awaited<ReturnType<typeof similarities>>[number])[] = [];
  for (const weight of first) {
    await breathe(stopSignal(signal));
    const partner = partners.get(weight.path);
    if (!partner) continue;
    const found = await using(await basisOf(weight, directions, most), async (one) =>
      using(await basisOf(partner, directions, most), (other) => similarities(one, other)),
    );
    rows.push(...found.map((row) => ({ ...placeOf(weight.path), ...row })));
  }
  if (rows.length > 0) return from(rows);
  throw new OptionError("the two trainings have changed no weight in common", {
    code: "diagnostics/nothing-in-common",
    value: { first: first.map(({ path }) => path), second: second.map(({ path }) => path) },
    hint: "Compare adapters that target the same modules of the same model.",
  });
}

/**
 * A random orthonormal basis, the yardstick for φ.
 *
 * @param dimension d
 * @param count     k ≤ d
 * @returns `[d, k]`, owned by the caller; on the same seed the same
 * @throws {OptionError} when k is not from 1 to d
 */
export function randomBasis(dimension: number, count: number, seed: number): Tensor2D {
  requireCount("dimension", dimension);
  if (!(Number.isInteger(count) && count >= 1 && count <= dimension)) {
    throw new OptionError(`${count} directions cannot be orthonormal in ${dimension} dimensions`, {
      code: "diagnostics/basis-size",
      value: count,
      hint: `Ask for 1 to ${dimension} directions.`,
    });
  }
  const random = new Random(seed);
  const gaussian = Float32Array.from({ length: dimension * count }, () => random.normal());
  return tf.tidy(() => qr(tf.tensor2d(gaussian, [dimension, count])).q);
}

/** Orthonormal directions of a change, the most important first, `[d, k]`. The caller owns them. */
async function basisOf(
  { path, change }: WeightChange,
  directions: Directions,
  most = Number.POSITIVE_INFINITY,
): Promise<Tensor2D> {
  return using(change(), async (delta) => {
    const source = sourceOf(delta, directions, path);
    return using(await decompose(source), async ({ u, s, v }) => {
      // Behind its rank a matrix has no directions: any vectors would do there.
      const count = Math.min(numericalRank(await s.data(), shapeOf(source)), most);
      if (count === 0) throw noDirections(path, directions);
      const vectors = directions === "A" || directions === "in" ? v : u;
      return tf.slice(vectors, [0, 0], [vectors.shape[0], count]);
    });
  });
}

/** The matrix whose singular vectors are wanted. */
function sourceOf(change: Change, directions: Directions, path: string): Change {
  if (directions === "in" || directions === "out") return change;
  if (isFactors(change)) return directions === "A" ? change.a : change.b;
  throw new OptionError(`${path} has no factor ${directions}: its change is one matrix`, {
    code: "diagnostics/no-factors",
    value: directions,
    hint: 'Ask for the directions "in" or "out", which every change has.',
  });
}

const noDirections = (path: string, directions: Directions): OptionError =>
  new OptionError(`${path} has no directions to compare: what "${directions}" asks for is zero`, {
    code: "diagnostics/no-directions",
    value: path,
    hint: "Before its first step of training B is zero, and so is the change. Train the adapter first.",
  });

function requireDirections(directions: string): void {
  if (["A", "B", "in", "out"].includes(directions)) return;
  throw new OptionError(`directions cannot be ${JSON.stringify(directions)}`, {
    code: "diagnostics/unknown-directions",
    value: directions,
    hint: "Choose A, B, in or out.",
  });
}

async function requireOrthonormal(bases: Record<string, Tensor2D>): Promise<void> {
  for (const [name, basis] of Object.entries(bases)) {
    const off = tf.tidy(() => tf.max(tf.abs(tf.sub(tf.matMul(basis, basis, true), tf.eye(basis.shape[1])))));
    const largest = await using(off, async () => (await off.data())[0] ?? Number.NaN);
    if (largest < 1e-3) continue;
    throw new OptionError(`the columns of the ${name} basis are not orthonormal (off by ${largest})`, {
      code: "diagnostics/not-orthonormal",
      value: largest,
      hint: "Pass singular vectors as columns, `svd(matrix).u` or `.v`, or `qr(matrix).q`.",
    });
  }
}
