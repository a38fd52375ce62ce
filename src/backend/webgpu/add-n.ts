import { tf } from "../tf.js";

interface AddNCall {
  readonly inputs: readonly tf.TensorInfo[];
  readonly backend: { disposeData(dataId: object): boolean };
  readonly attrs?: unknown;
}

/** WebGPU promises eight storage buffers a program; one of them is the result. */
const MOST_INPUTS = 7;

/**
 * A sum of many tensors, which tfjs's WebGPU kernel hands to one program however many there are: beyond eight
 * buffers the program is refused and the result stays zero. Here at most seven are added at a time.
 */
export function installAddN(): void {
  const config = tf.getKernel("AddN", "webgpu");
  const stock = config.kernelFunc as unknown as (call: AddNCall) => tf.TensorInfo;
  const addN = (call: AddNCall): tf.TensorInfo => {
    const [first, ...rest] = call.inputs;
    if (!first || rest.length < MOST_INPUTS) return stock(call);
    let sum = first;
    for (let start = 0; start < rest.length; start += MOST_INPUTS - 1) {
      const next = stock({ ...call, inputs: [sum, ...rest.slice(start, start + MOST_INPUTS - 1)] });
      if (sum !== first) call.backend.disposeData(sum.dataId);
      sum = next;
    }
    return sum;
  };
  tf.unregisterKernel("AddN", "webgpu");
  tf.registerKernel({ ...config, kernelFunc: addN as unknown as tf.KernelFunc });
}
