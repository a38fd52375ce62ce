import { qr, type Svd, singularValues, svd } from "../backend/index.js";
import { type Tensor1D, type Tensor2D, tf } from "../backend/tf.js";
import { type Change, type Factors, isFactors, shapeOf, using } from "./change.js";

/**
 * The thin singular value decomposition of a change. Of ΔW = s·BA it goes through the small factors and never
 * forms the product:
 *
 * $$ B = Q_B R_B,\quad A^\top = Q_A R_A,\quad s\,R_B R_A^\top = U_r \Sigma V_r^\top
 *    \;\Rightarrow\; \Delta W = (Q_B U_r)\,\Sigma\,(Q_A V_r)^\top \tag{RANK-1} $$
 *
 * @param change stays the caller's
 * @returns `u` `[out, k]`, `s` `[k]`, `v` `[in, k]` with k = r for factors, else min(out, in); the caller owns them
 * @throws {MatrixError} when the change holds NaN or an infinity
 */
export async function decompose(change: Change): Promise<Svd> {
  if (!isFactors(change)) return using(tf.clone(change), svd);
  return throughCore(change, (core, left, right) => {
    const { u, s, v } = svd(core);
    return { u: tf.matMul(left, u), s, v: tf.matMul(right, v) };
  });
}

/**
 * The singular values of a change, largest first, `[k]`, without their vectors. The caller owns them.
 *
 * @throws {MatrixError} when the change holds NaN or an infinity
 */
export async function changeSingularValues(change: Change): Promise<Tensor1D> {
  if (!isFactors(change)) return using(tf.clone(change), singularValues);
  return throughCore(change, (core) => singularValues(core));
}

/** Gives `finish` the small matrix s·R_B·R_Aᵀ `[r, r]` and the bases Q_B `[out, r]` and Q_A `[in, r]`. */
async function throughCore<Result extends Svd | Tensor1D>(
  factors: Factors,
  finish: (core: Tensor2D, left: Tensor2D, right: Tensor2D) => Result,
): Promise<Result> {
  shapeOf(factors);
  const { b, scale } = factors;
  const left = await using(tf.clone(b), qr);
  const right = await using(tf.transpose(factors.a), qr);
  try {
    const core = tf.tidy(() => tf.mul<Tensor2D>(tf.matMul(left.r, right.r, false, true), scale));
    return await using(core, () => tf.tidy(() => finish(core, left.q, right.q)));
  } finally {
    tf.dispose([left, right]);
  }
}
