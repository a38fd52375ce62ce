import { tf } from "../tf.js";
import { int32Bytes, type KernelCall, sizeOf, type TensorInfo, type WasmBackend } from "./heap.js";
import { swapLastAxes } from "./transpose.js";

type MatMulCall = KernelCall<"a" | "b", { transposeA: boolean; transposeB: boolean }>;

/**
 * A matrix product that always takes XNNPACK's fast path. tfjs's WebAssembly kernel takes it for one pair of
 * untransposed matrices only and falls back to a scalar loop otherwise. Here transposed operands are laid out
 * anew and each pair of a batch is multiplied on its own, by naming its part of the heap as a tensor: no copy.
 */
export const batchMatMul =
  (stock: (call: MatMulCall) => TensorInfo) =>
  (call: MatMulCall): TensorInfo => {
    const { backend, inputs, attrs } = call;
    const [a, b] = [matrices(inputs.a, attrs.transposeA), matrices(inputs.b, attrs.transposeB)];
    const isFloat = inputs.a.dtype === "float32" && inputs.b.dtype === "float32";
    if (!isFloat || sizeOf(inputs.a.shape) * sizeOf(inputs.b.shape) === 0) return stock(call);

    const [leadA, leadB] = [inputs.a.shape.slice(0, -2), inputs.b.shape.slice(0, -2)];
    const lead = tf.broadcast_util.assertAndGetBroadcastShape(leadA, leadB);
    const left = attrs.transposeA ? swapLastAxes(backend, inputs.a, [a.batch, a.columns, a.rows]) : inputs.a;
    const right = attrs.transposeB ? swapLastAxes(backend, inputs.b, [b.batch, b.columns, b.rows]) : inputs.b;
    const output = backend.makeOutput([...lead, a.rows, b.columns], "float32");

    const multiply = xnnpackMultiply(backend);
    const offset = (tensor: TensorInfo) => backend.dataIdMap.get(tensor.dataId).memoryOffset;
    // One right side for all makes one tall product.
    const [pairs, rows] = b.batch === 1 ? [1, a.batch * a.rows] : [sizeOf(lead), a.rows];
    const [ofA, ofB] = [broadcastIndex(lead, leadA), broadcastIndex(lead, leadB)];
    for (let i = 0; i < pairs; i++) {
      multiply(
        { at: offset(left) + 4 * a.size * ofA(i), rows, columns: a.columns },
        { at: offset(right) + 4 * b.size * ofB(i), rows: b.rows, columns: b.columns },
        offset(output) + 4 * rows * b.columns * i,
      );
    }
    if (left !== inputs.a) backend.disposeData(left.dataId);
    if (right !== inputs.b) backend.disposeData(right.dataId);
    return output;
  };

/** Which matrix of an operand with batch axes `lead` belongs to matrix `i` of a result with axes `whole`. */
function broadcastIndex(whole: readonly number[], lead: readonly number[]): (i: number) => number {
  return (i) => {
    let [rest, index, stride] = [i, 0, 1];
    for (let axis = 1; axis <= lead.length; axis++) {
      const length = lead.at(-axis) ?? 1;
      const total = whole.at(-axis) ?? 1;
      if (length > 1) index += (rest % total) * stride;
      stride *= length;
      rest = Math.floor(rest / total);
    }
    return index;
  };
}

/** A matrix at a byte offset of the heap. */
interface Matrix {
  readonly at: number;
  readonly rows: number;
  readonly columns: number;
}

/**
 * Multiplies two matrices on the heap. Each gets a tensor number of its own for the call: the WebAssembly side
 * keeps packed weights under the right operand's number and would reuse them for the same data in another shape.
 */
function xnnpackMultiply(backend: WasmBackend): (a: Matrix, b: Matrix, outputAt: number) => void {
  const { tfjs, cwrap } = backend.wasm;
  const operand = ["number", "array", "number"] as const; // tensor, shape, rank
  const kernel = cwrap("BatchMatMul", null, [...operand, ...operand, "number", "number", "number"]);
  const name = (at: number, size: number): number => {
    const id = backend.dataIdNextNumber++;
    tfjs.registerTensor(id, size, at);
    return id;
  };
  return (a, b, outputAt) => {
    const ids = [
      name(a.at, a.rows * a.columns),
      name(b.at, b.rows * b.columns),
      name(outputAt, a.rows * b.columns),
    ] as const;
    const shape = ({ rows, columns }: Matrix) => int32Bytes([1, rows, columns]);
    kernel(ids[0], shape(a), 3, ids[1], shape(b), 3, 0, 0, ids[2]); // 0, 0: neither transposed
    for (const id of ids) tfjs.disposeData(id);
  };
}

/** The batch of matrices that a tensor holds, as the product sees them: transposed if asked. */
function matrices({ shape }: TensorInfo, transposed: boolean) {
  const [rows = 1, columns = 1] = transposed ? [shape.at(-1), shape.at(-2)] : [shape.at(-2), shape.at(-1)];
  return { batch: sizeOf(shape.slice(0, -2)), rows, columns, size: rows * columns };
}
