import { replaceKernel } from "../replace-kernel.js";
import { tf } from "../tf.js";

/** A tensor as a kernel sees it. */
export type TensorInfo = Pick<tf.TensorInfo, "dataId" | "shape" | "dtype">;

/** The part of tfjs's WebAssembly backend that our kernels use. */
export interface WasmBackend {
  readonly wasm: {
    cwrap(
      name: string,
      result: null,
      parameters: readonly ("number" | "array")[],
    ): (...args: unknown[]) => void;
    readonly tfjs: {
      /** Tells the WebAssembly side that tensor `id` has `size` elements at byte `offset` of the heap. */
      registerTensor(id: number, size: number, offset: number): void;
      disposeData(id: number): void;
    };
  };
  readonly dataIdMap: { get(dataId: object): { readonly id: number; readonly memoryOffset: number } };
  dataIdNextNumber: number;
  makeOutput(shape: readonly number[], dtype: tf.DataType): TensorInfo;
  /** A view of a tensor's elements. An allocation may grow the heap and detach it: make outputs first. */
  typedArrayFromHeap(tensor: TensorInfo): Float32Array | Int32Array | Uint8Array;
  disposeData(dataId: object): boolean;
}

/** One call of a kernel. */
export interface KernelCall<Inputs extends string, Attributes> {
  readonly backend: WasmBackend;
  readonly inputs: Readonly<Record<Inputs, TensorInfo>>;
  readonly attrs: Attributes;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

/** int32 values as the bytes that the WebAssembly side reads. */
export const int32Bytes = (values: readonly number[]): Uint8Array =>
  new Uint8Array(new Int32Array(values).buffer);

/** Gives the WebAssembly backend a kernel it lacks. */
export function addKernel<Inputs extends string, Attributes>(
  kernelName: string,
  kernel: (call: KernelCall<Inputs, Attributes>) => TensorInfo,
): void {
  tf.registerKernel({ kernelName, backendName: "wasm", kernelFunc: kernel as unknown as tf.KernelFunc });
}

/** Puts a kernel in the place of tfjs's own, which it gets as `stock` for the calls it does not improve. */
export function improveKernel<Inputs extends string, Attributes>(
  kernelName: string,
  make: (
    stock: (call: KernelCall<Inputs, Attributes>) => TensorInfo,
  ) => (call: KernelCall<Inputs, Attributes>) => TensorInfo,
): void {
  replaceKernel(kernelName, "wasm", make as unknown as (stock: tf.KernelFunc) => tf.KernelFunc);
}

/**
 * Lets every kernel registered so far begin with its inputs on the heap. What another backend made is moved there
 * when it is first asked for. That may grow the heap and detach every view of it, and tfjs's own kernels and
 * `typedArrayFromHeap` ask too late as well.
 */
export function moveInputsFirst(): void {
  for (const { kernelName } of tf.getKernelsForBackend("wasm")) {
    replaceKernel(kernelName, "wasm", (stock) => (call) => {
      const { dataIdMap } = call.backend as WasmBackend;
      for (const input of Object.values(call.inputs)) if (input) dataIdMap.get(input.dataId); // some are optional
      return stock(call);
    });
  }
}
