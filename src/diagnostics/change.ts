import { type Tensor, type Tensor2D, tf } from "../backend/tf.js";
import { ShapeError } from "../errors.js";

/** The change of a weight by its two small factors, $\Delta W = s\,BA$. */
export interface Factors {
  /** A, `[r, in]` */
  a: Tensor2D;
  /** B, `[out, r]` */
  b: Tensor2D;
  /** s: α/r, or α/√r with rsLoRA. */
  scale: number;
}

/** ΔW, whole as `[out, in]` or by its factors. */
export type Change = Tensor2D | Factors;

/**
 * What training did to one weight matrix. Nothing is held: tensors are made when asked for, one weight at a time,
 * so that a model of any size can be looked at.
 */
export interface WeightChange {
  /** Path of the module, for example `model.layers.0.self_attn.q_proj`. */
  readonly path: string;
  /** ΔW. The caller owns it. */
  change(): Change;
  /** W₀, `[out, in]`, which amplification and intruder dimensions compare with. The caller owns it. */
  before?(): Tensor2D;
}

export const isFactors = (change: Change): change is Factors => !(change instanceof tf.Tensor);

/** `[out, in]` of a change. @throws {ShapeError} when its factors do not fit together */
export function shapeOf(change: Change): [out: number, in_: number] {
  if (!isFactors(change)) return change.shape;
  const { a, b } = change;
  if (a.shape[0] === b.shape[1]) return [b.shape[0], a.shape[1]];
  throw new ShapeError(`A [${a.shape}] and B [${b.shape}] have no common rank`, {
    code: "diagnostics/factors-mismatch",
    value: { a: a.shape, b: b.shape },
    hint: "A is [rank, in] and B is [out, rank]; transpose what lies the other way round.",
  });
}

/** ΔW as one matrix `[out, in]`, which the caller owns. */
export function denseChange(change: Change): Tensor2D {
  shapeOf(change);
  if (!isFactors(change)) return tf.clone(change);
  const { a, b, scale } = change;
  return tf.tidy(() => tf.mul(tf.matMul(b, a), scale));
}

/** Hands tensors to `use`, readable at once on every backend, and frees them afterwards. */
export async function using<Owned extends Tensor | object, Result>(
  owned: Owned,
  use: (owned: Owned) => Result | Promise<Result>,
): Promise<Result> {
  try {
    const tensors = owned instanceof tf.Tensor ? [owned] : Object.values(owned);
    await Promise.all(tensors.map((tensor) => tensor instanceof tf.Tensor && tensor.data())); // WebGPU reads only so
    return await use(owned);
  } finally {
    tf.dispose(owned as tf.TensorContainer);
  }
}
