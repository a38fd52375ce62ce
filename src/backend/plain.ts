import type { Started } from "./candidate.js";
import { describeProcessor } from "./host.js";
import { tf } from "./tf.js";

/** tfjs's own JavaScript kernels. */
export async function startPlain(): Promise<Started> {
  // tfjs greets the first tensor on this backend with a banner about tfjs-node; the report says it better.
  Object.assign(tf.findBackend("cpu") ?? {}, { firstUse: false });
  return {
    tfjsName: "cpu",
    device: `the CPU (${describeProcessor(1)})`,
    version: `tfjs ${tf.version.tfjs} in plain JavaScript`,
    compileRoute: "eager",
  };
}
