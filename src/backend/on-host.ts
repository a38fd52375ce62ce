import { nativeBackend } from "./native.js";
import { type Tensor, tf } from "./tf.js";

/**
 * A tensor's numbers where they can be had without waiting for a device: always in WebAssembly and plain
 * JavaScript, elsewhere only for a tensor that was just made from numbers. Belongs to the backend: only read it.
 */
export function valuesOnHost(tensor: Tensor): ArrayLike<number> | undefined {
  const native = nativeBackend();
  if (native)
    return (native.tensorMap.get(tensor.dataId)?.values ?? undefined) as ArrayLike<number> | undefined;
  return ["wasm", "cpu"].includes(tf.getBackend()) ? tensor.dataSync() : undefined;
}
