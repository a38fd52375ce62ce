import { type KernelCall, sizeOf, type TensorInfo, type WasmBackend } from "./heap.js";

type TransposeCall = KernelCall<"x", { perm: readonly number[] }>;

/**
 * A transpose of three or more axes, which tfjs's WebAssembly kernel does element by element through a table of
 * coordinates. Here whole rows are copied where the last axis stays in place, and strides are walked elsewhere.
 */
export const transpose =
  (stock: (call: TransposeCall) => TensorInfo) =>
  (call: TransposeCall): TensorInfo => {
    const { backend, inputs, attrs } = call;
    const { x } = inputs;
    const rank = x.shape.length;
    if (rank < 3 || x.dtype !== "float32") return stock(call);

    const strides = stridesOf(x.shape);
    const shape = attrs.perm.map((axis) => x.shape[axis] as number);
    const steps = attrs.perm.map((axis) => strides[axis] as number);
    const output = backend.makeOutput(shape, x.dtype);
    const source = backend.typedArrayFromHeap(x);
    const target = backend.typedArrayFromHeap(output);
    const length = shape[rank - 1] as number;
    const step = steps[rank - 1] as number;

    const position = new Int32Array(rank - 1);
    let from = 0;
    for (let to = 0; to < target.length; to += length) {
      if (step === 1) target.set(source.subarray(from, from + length), to);
      else for (let j = 0; j < length; j++) target[to + j] = source[from + j * step] as number;

      for (let axis = rank - 2; axis >= 0; axis--) {
        const next = (position[axis] as number) + 1;
        from += steps[axis] as number;
        position[axis] = next;
        if (next < (shape[axis] as number)) break;
        from -= next * (steps[axis] as number);
        position[axis] = 0;
      }
    }
    return output;
  };

/** Swaps the last two axes of `[batch, rows, columns]`, block by block so that both sides stay in the cache. */
export function swapLastAxes(
  backend: WasmBackend,
  x: TensorInfo,
  [batch, rows, columns]: readonly [number, number, number],
): TensorInfo {
  const output = backend.makeOutput([batch, columns, rows], x.dtype);
  const source = backend.typedArrayFromHeap(x);
  const target = backend.typedArrayFromHeap(output);
  const block = 32;
  for (let start = 0; start < source.length; start += rows * columns) {
    for (let row0 = 0; row0 < rows; row0 += block) {
      const rowEnd = Math.min(rows, row0 + block);
      for (let column0 = 0; column0 < columns; column0 += block) {
        const columnEnd = Math.min(columns, column0 + block);
        for (let column = column0; column < columnEnd; column++) {
          let to = start + column * rows + row0;
          for (let row = row0; row < rowEnd; row++)
            target[to++] = source[start + row * columns + column] as number;
        }
      }
    }
  }
  return output;
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}
