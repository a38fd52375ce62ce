import { tf } from "../tf.js";
import { type KernelCall, sizeOf, type TensorInfo } from "./heap.js";

type SumCall = KernelCall<"x", { axis?: number | number[]; keepDims?: boolean }>;

/**
 * A sum over the first axes, as the gradient of every bias and gain is. tfjs's WebAssembly kernel first transposes
 * the whole tensor; here rows are added up as they lie, in double precision.
 */
export const sum =
  (stock: (call: SumCall) => TensorInfo) =>
  (call: SumCall): TensorInfo => {
    const { backend, inputs, attrs } = call;
    const { x } = inputs;
    const axes = tf.util.parseAxisParam(attrs.axis ?? x.shape.map((_, axis) => axis), x.shape).sort();
    const leading = axes.every((axis, index) => axis === index) && axes.length < x.shape.length;
    if (!leading || axes.length === 0 || x.dtype !== "float32") return stock(call);

    const rest = x.shape.slice(axes.length);
    const output = backend.makeOutput(attrs.keepDims ? [...axes.map(() => 1), ...rest] : rest, x.dtype);
    const values = backend.typedArrayFromHeap(x); // [rows, width]
    const width = sizeOf(rest);
    const sums = new Float64Array(width);
    for (let row = 0; row < values.length; row += width) {
      for (let j = 0; j < width; j++) sums[j] = (sums[j] as number) + (values[row + j] as number);
    }
    backend.typedArrayFromHeap(output).set(sums);
    return output;
  };
