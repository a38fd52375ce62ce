import { PosttrainError, ShapeError } from "../errors.js";
import { type HostMatrix, hostQr, hostSvd } from "./host-decompositions.js";
import { type NativeBackend, nativeBackend } from "./native.js";
import { type Tensor, type Tensor1D, type Tensor2D, tf } from "./tf.js";

/** A matrix that cannot be decomposed: it holds NaN or an infinity. */
export class MatrixError extends PosttrainError {}

/** `matrix = u · diag(s) · vᵀ`, k = min(m, n). */
export type Svd = {
  /** Left singular vectors as columns, `[m, k]`. */
  u: Tensor2D;
  /** Singular values, largest first, `[k]`. */
  s: Tensor1D;
  /** Right singular vectors as columns (not transposed), `[n, k]`. */
  v: Tensor2D;
};

/**
 * The thin singular value decomposition.
 *
 * $$ W = U \Sigma V^\top, \qquad U^\top U = V^\top V = I_k, \qquad
 *    \sigma_1 \ge \dots \ge \sigma_k \ge 0 \tag{SVD-1} $$
 *
 * Signs are fixed so that results can be compared: in every column of U the entry of largest absolute value is
 * positive. TensorFlow's library computes it where it is the backend in use (1536 × 576 takes a fraction of a
 * second), elsewhere the host does, in double precision and tens of times more slowly. No gradient flows through it.
 *
 * @param matrix `[m, n]`, stays the caller's; on WebGPU `await matrix.data()` right before
 * @returns tensors that the caller owns
 * @throws {MatrixError} when the matrix holds NaN or an infinity
 * @throws {ShapeError} when it is no matrix, or an empty one
 */
export function svd(matrix: Tensor2D): Svd {
  const host = requireFinite(matrix);
  return tf.tidy(() => {
    const native = nativeBackend();
    const { u, s, v } = native ? nativeSvd(native, matrix) : svdOnHost(host);
    const signs = signsOfLargest(u); // [1, k]
    return { u: tf.mul<Tensor2D>(u, signs), s, v: tf.mul<Tensor2D>(v, signs) };
  });
}

/**
 * The singular values alone, largest first: several times cheaper than with their vectors.
 *
 * @param matrix `[m, n]`, stays the caller's; on WebGPU `await matrix.data()` right before
 * @returns `[min(m, n)]`, owned by the caller
 * @throws {MatrixError} when the matrix holds NaN or an infinity
 * @throws {ShapeError} when it is no matrix, or an empty one
 */
export function singularValues(matrix: Tensor2D): Tensor1D {
  const host = requireFinite(matrix);
  const native = nativeBackend();
  if (!native) return tf.tensor1d(hostSvd(host, false).s);
  return tf.tidy(
    () => native.executeMultipleOutputs("Svd", svdAttributes(native, false), [matrix], 3)[0] as Tensor1D,
  );
}

/**
 * The thin QR decomposition.
 *
 * $$ W = Q R, \qquad Q^\top Q = I_k, \qquad R \text{ upper triangular with } R_{ii} \ge 0 \tag{QR-1} $$
 *
 * The signs of R's diagonal make it unique for a matrix of full rank. No gradient flows through it.
 *
 * @param matrix `[m, n]`, stays the caller's; on WebGPU `await matrix.data()` right before
 * @returns `q` `[m, k]` and `r` `[k, n]`, k = min(m, n), owned by the caller
 * @throws {MatrixError} when the matrix holds NaN or an infinity
 * @throws {ShapeError} when it is no matrix, or an empty one
 */
export function qr(matrix: Tensor2D): { q: Tensor2D; r: Tensor2D } {
  const host = requireFinite(matrix);
  return tf.tidy(() => {
    const native = nativeBackend();
    const { q, r } = native ? nativeQr(native, matrix) : qrOnHost(host);
    const k = r.shape[0];
    const diagonal = tf.sum(tf.mul(tf.slice(r, [0, 0], [k, k]), tf.eye(k)), 1); // [k]
    const signs = signsOf(diagonal);
    return {
      q: tf.mul<Tensor2D>(q, tf.reshape(signs, [1, k])),
      r: tf.mul<Tensor2D>(r, tf.reshape(signs, [k, 1])),
    };
  });
}

function nativeSvd(native: NativeBackend, matrix: Tensor2D): Svd {
  const [s, u, v] = native.executeMultipleOutputs("Svd", svdAttributes(native, true), [matrix], 3);
  return { u: u as Tensor2D, s: s as Tensor1D, v: v as Tensor2D };
}

function svdAttributes({ binding }: NativeBackend, vectors: boolean) {
  return [
    { name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: "compute_uv", type: binding.TF_ATTR_BOOL, value: vectors },
    { name: "full_matrices", type: binding.TF_ATTR_BOOL, value: false },
  ];
}

function nativeQr(native: NativeBackend, matrix: Tensor2D): { q: Tensor2D; r: Tensor2D } {
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_FLOAT } = native.binding;
  const attributes = [
    { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: "full_matrices", type: TF_ATTR_BOOL, value: false },
  ];
  const [q, r] = native.executeMultipleOutputs("Qr", attributes, [matrix], 2);
  return { q: q as Tensor2D, r: r as Tensor2D };
}

function svdOnHost(matrix: HostMatrix): Svd {
  const { u, s, v } = hostSvd(matrix, true);
  return { u: toTensor(u as HostMatrix), s: tf.tensor1d(s), v: toTensor(v as HostMatrix) };
}

function qrOnHost(matrix: HostMatrix): { q: Tensor2D; r: Tensor2D } {
  const { q, r } = hostQr(matrix);
  return { q: toTensor(q), r: toTensor(r) };
}

const toTensor = ({ rows, columns, values }: HostMatrix): Tensor2D =>
  tf.tensor2d(Float32Array.from(values), [rows, columns]);

/** The sign of each column's entry of largest absolute value, `[1, k]`. */
const signsOfLargest = (columns: Tensor2D): Tensor2D =>
  signsOf(tf.add(tf.max(columns, 0, true), tf.min(columns, 0, true)));

/** −1 below zero, else 1: zero must not erase a vector. */
const signsOf = <T extends Tensor>(values: T): T => tf.where(tf.less(values, 0), -1, 1) as T;

function requireFinite(matrix: Tensor2D): HostMatrix {
  if (matrix.rank !== 2 || matrix.size === 0) {
    throw new ShapeError(`only a matrix can be decomposed, not a tensor of shape [${matrix.shape}]`, {
      code: "backend/not-a-matrix",
      value: matrix.shape,
      hint: "Reshape it to [rows, columns], neither of them 0.",
    });
  }
  const [rows, columns] = matrix.shape;
  const values = matrix.dataSync();
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return { rows, columns, values };
  const place = [Math.floor(at / columns), at % columns];
  throw new MatrixError(`the matrix holds ${values[at]} at [${place}]`, {
    code: "backend/not-finite",
    value: { value: values[at], at: place },
    hint: "A weight that is not finite comes from a diverged run or a damaged file; go back to an earlier checkpoint.",
  });
}
