import { type KernelCall, sizeOf, type TensorInfo } from "./heap.js";

type TileCall = KernelCall<"x", { reps: readonly number[] }>;

/** A single number spread over a shape, which tfjs's WebAssembly kernel copies element by element. */
export const tile =
  (stock: (call: TileCall) => TensorInfo) =>
  (call: TileCall): TensorInfo => {
    const { backend, inputs, attrs } = call;
    const { x } = inputs;
    if (sizeOf(x.shape) !== 1 || x.dtype === "string") return stock(call);
    const output = backend.makeOutput(attrs.reps, x.dtype);
    backend.typedArrayFromHeap(output).fill(backend.typedArrayFromHeap(x)[0] as number);
    return output;
  };
