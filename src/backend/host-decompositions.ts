import { Matrix, QrDecomposition, SingularValueDecomposition } from "ml-matrix";

/** A matrix on the host, row by row. */
export interface HostMatrix {
  rows: number;
  columns: number;
  values: ArrayLike<number>;
}

/** Singular values, largest first, and where asked for both sets of vectors, `[rows, k]` and `[columns, k]`. */
export function hostSvd(
  matrix: HostMatrix,
  vectors: boolean,
): { u?: HostMatrix; s: number[]; v?: HostMatrix } {
  const found = new SingularValueDecomposition(toMatrix(matrix), {
    computeLeftSingularVectors: vectors,
    computeRightSingularVectors: vectors,
    autoTranspose: true,
  });
  const k = Math.min(matrix.rows, matrix.columns);
  const s = found.diagonal.slice(0, k);
  if (!vectors) return { s };
  return { s, u: fromMatrix(found.leftSingularVectors, k), v: fromMatrix(found.rightSingularVectors, k) };
}

/** Thin QR by Householder reflections. Of a wide matrix the first columns give Q, and R is Qᵀ times all of it. */
export function hostQr(matrix: HostMatrix): { q: HostMatrix; r: HostMatrix } {
  const whole = toMatrix(matrix);
  const k = Math.min(matrix.rows, matrix.columns);
  const square = matrix.rows < matrix.columns ? whole.subMatrix(0, k - 1, 0, k - 1) : whole;
  const q = new QrDecomposition(square).orthogonalMatrix;
  return { q: fromMatrix(q, k), r: upperTriangle(q.transpose().mmul(whole)) };
}

const toMatrix = ({ rows, columns, values }: HostMatrix): Matrix =>
  Matrix.from1DArray(rows, columns, Array.from(values));

const fromMatrix = (matrix: Matrix, columns: number): HostMatrix => ({
  rows: matrix.rows,
  columns,
  values: matrix.subMatrix(0, matrix.rows - 1, 0, columns - 1).to1DArray(),
});

/** What is below the diagonal is zero but for rounding. */
function upperTriangle(matrix: Matrix): HostMatrix {
  const { rows, columns } = matrix;
  const values = matrix.to1DArray().map((value, at) => (at % columns < Math.floor(at / columns) ? 0 : value));
  return { rows, columns, values };
}
