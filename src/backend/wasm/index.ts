import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Started } from "../candidate.js";
import { describeProcessor } from "../host.js";
import { tf } from "../tf.js";

/** WebAssembly. */
export async function startWasm(): Promise<Started> {
  const { setWasmPaths, version_wasm } = await import("@tensorflow/tfjs-backend-wasm");
  const entry = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
  if (!tf.findBackend("wasm")) setWasmPaths(`${dirname(entry)}/`);
  return {
    tfjsName: "wasm",
    device: `the CPU (${describeProcessor(1)})`,
    version: `tfjs ${version_wasm} in WebAssembly`,
    compileRoute: "eager",
  };
}
