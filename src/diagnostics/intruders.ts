import { type ColumnTable, from } from "arquero";
import { svd } from "../backend/index.js";
import { type Tensor2D, tf } from "../backend/tf.js";
import { OptionError } from "../errors.js";
import { breathe, requireCount, requireRange, stopSignal } from "../training/index.js";
import { originalOf } from "./amplification.js";
import { denseChange, using, type WeightChange } from "./change.js";
import { placeOf } from "./place.js";
import type { WalkOptions } from "./spectrum.js";

export interface VectorOptions {
  /** How many singular vectors of the tuned weight, the most important first. @default 10 */
  top?: number;
  /** Left singular vectors, which lie in the space of outputs, or right ones in that of inputs. @default "out" */
  side?: "out" | "in";
}

/**
 * Which singular vector of the weight before training each one after training is. Columns: `tuned` and `pretrained`
 * (numbers from 1, the most important first), `similarity` (|cos| of the two vectors).
 *
 * $$ c_{ij} = \bigl| u_i(W)^\top u_j(W_0) \bigr| \tag{RANK-11} $$
 *
 * @param before W₀ `[out, in]`, stays the caller's
 * @param after  W `[out, in]`, stays the caller's
 * @throws {OptionError} when an option is outside its domain
 */
export async function singularVectorSimilarity(
  before: Tensor2D,
  after: Tensor2D,
  options: VectorOptions = {},
): Promise<ColumnTable> {
  const { cosines } = await compareVectors(before, after, options);
  return from(
    cosines.flatMap((row, i) =>
      row.map((similarity, j) => ({ tuned: i + 1, pretrained: j + 1, similarity })),
    ),
  );
}

export interface IntruderOptions extends VectorOptions, WalkOptions {
  /** ε: a vector less similar than this to all vectors before training is an intruder. @default 0.5 */
  threshold?: number;
}

/**
 * Intruder dimensions: important singular vectors of the tuned weight that are like none of the pre-trained ones.
 *
 * $$ u_i(W) \text{ is an intruder} \iff \max_j \bigl|u_i(W)^\top u_j(W_0)\bigr| < \varepsilon,
 *    \qquad i \le k \tag{RANK-12} $$
 *
 * Columns: `path`, `layer`, `module`, `index` (i, from 1), `singular_value` (of W), `similarity` (the maximum),
 * `nearest` (the j that has it, from 1), `intruder` (whether it is below ε), `threshold` (ε).
 *
 * @throws {OptionError} when a change comes without W₀, or an option is outside its domain
 * @source Shuttleworth et al. 2024, LoRA vs full fine-tuning: an illusion of equivalence, algorithm 1
 */
export async function intruderTable(
  changes: readonly WeightChange[],
  { threshold = 0.5, signal, ...options }: IntruderOptions = {},
): Promise<ColumnTable> {
  requireRange("threshold", threshold, 0, 1);
  const rows = [];
  for (const weight of changes) {
    await breathe(stopSignal(signal));
    const { cosines, values } = await using(originalOf(weight), (before) =>
      using(weight.change(), (change) =>
        using(
          tf.tidy(() => tf.add<Tensor2D>(before, denseChange(change))),
          (after) => compareVectors(before, after, options),
        ),
      ),
    );
    for (const [i, row] of cosines.entries()) {
      const similarity = Math.max(...row);
      rows.push({
        ...placeOf(weight.path),
        ...{ index: i + 1, singular_value: values[i], similarity, nearest: row.indexOf(similarity) + 1 },
        ...{ intruder: similarity < threshold, threshold },
      });
    }
  }
  return from(rows);
}

/** |cos| of the first vectors of W (rows) with all of W₀ (columns), and the singular values of W. */
async function compareVectors(
  before: Tensor2D,
  after: Tensor2D,
  { top = 10, side = "out" }: VectorOptions,
): Promise<{ cosines: number[][]; values: number[] }> {
  requireCount("top", top);
  if (side !== "out" && side !== "in") {
    throw new OptionError(`side cannot be ${JSON.stringify(side)}`, {
      code: "diagnostics/unknown-side",
      value: side,
      hint: "Choose out or in.",
    });
  }
  await Promise.all([before.data(), after.data()]); // WebGPU reads only so
  const { cosines, s } = tf.tidy(() => {
    const [original, tuned] = [svd(before), svd(after)];
    const vectors = side === "out" ? tuned.u : tuned.v;
    const first = tf.slice(vectors, [0, 0], [vectors.shape[0], Math.min(top, vectors.shape[1])]);
    return { s: tuned.s, cosines: tf.abs(tf.matMul(first, side === "out" ? original.u : original.v, true)) };
  });
  return using({ cosines, s }, async () => ({
    cosines: (await cosines.array()) as number[][],
    values: Array.from(await s.data()),
  }));
}
