import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Started } from "../candidate.js";
import { describeProcessor } from "../host.js";
import { tf } from "../tf.js";
import { batchMatMul } from "./batch-mat-mul.js";
import { gather } from "./gather.js";
import { addKernel, improveKernel, moveInputsFirst } from "./heap.js";
import { sum } from "./sum.js";
import { tile } from "./tile.js";
import { transpose } from "./transpose.js";
import { unsortedSegmentSum } from "./unsorted-segment-sum.js";

/** tfjs's WebAssembly kernels, with those that training lacks, that are slow, or that are wrong in their place. */
export async function startWasm(): Promise<Started> {
  const { setWasmPaths, version_wasm } = await import("@tensorflow/tfjs-backend-wasm");
  if (!installed) install(setWasmPaths);
  installed = true;
  await keepingListeners(() => tf.setBackend("wasm"));
  return {
    tfjsName: "wasm",
    device: `the CPU (${describeProcessor(1)})`,
    version: `tfjs ${version_wasm} in WebAssembly`,
    compileRoute: "eager",
  };
}

let installed = false; // kernels register once in a process

function install(setWasmPaths: (folder: string) => void): void {
  const entry = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(`${dirname(entry)}/`);
  addKernel("UnsortedSegmentSum", unsortedSegmentSum);
  improveKernel("GatherV2", gather);
  improveKernel("BatchMatMul", batchMatMul);
  improveKernel("Transpose", transpose);
  improveKernel("Sum", sum);
  improveKernel("Tile", tile);
  moveInputsFirst();
}

/**
 * Emscripten's start-up code rethrows every unhandled rejection of the whole process, so that one forgotten
 * `await` in a notebook would end the kernel. What it listens to is taken back.
 */
async function keepingListeners(start: () => Promise<unknown>): Promise<void> {
  const events = ["uncaughtException", "unhandledRejection"];
  const before = new Set(events.flatMap((event) => process.rawListeners(event)));
  await start();
  for (const event of events) {
    for (const listener of process.rawListeners(event)) {
      if (!before.has(listener)) process.removeListener(event, listener as () => void);
    }
  }
}
