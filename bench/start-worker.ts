import { fileURLToPath } from "node:url";
import { referencePython } from "./reference-environment.js";
import type { Side } from "./types.js";
import { Worker } from "./worker.js";

const ours = fileURLToPath(new URL("ours/worker.mjs", import.meta.url));
const theirs = fileURLToPath(new URL("reference/worker.py", import.meta.url));

/** Starts the process of one side. Both get the same number of threads and no GPU. */
export function startWorker(side: Side, threads: number): Worker {
  const environment = {
    OMP_NUM_THREADS: String(threads),
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: String(threads),
    CUDA_VISIBLE_DEVICES: "",
    PYTHONDONTWRITEBYTECODE: "1",
    HF_HUB_OFFLINE: "1",
  };
  return side.name === "PyTorch"
    ? new Worker(side.name, referencePython, [theirs], environment)
    : new Worker(side.name, process.execPath, [ours], environment);
}
