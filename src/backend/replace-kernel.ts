import { tf } from "./tf.js";

/**
 * Puts a kernel in the place of the one that is registered, which it gets as `stock` for the calls it leaves alone.
 *
 * @param backendName as tfjs knows the backend
 */
export function replaceKernel(
  kernelName: string,
  backendName: string,
  make: (stock: tf.KernelFunc) => tf.KernelFunc,
): void {
  const config = tf.getKernel(kernelName, backendName);
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({ ...config, kernelFunc: make(config.kernelFunc) });
}
