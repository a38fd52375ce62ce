import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { BackendError, type CompileRoute, type Started } from "./candidate.js";
import { describeProcessor } from "./host.js";
import { tf } from "./tf.js";

/** The part of tfjs-node's backend that this library calls beyond tfjs's own interface. */
export interface NativeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: {
    readonly TF_Version: string;
    readonly defineFunction?: unknown;
  };
}

const PACKAGE = "@tensorflow/tfjs-node-gpu";

/** TensorFlow's library on a GPU. */
export async function startGpu(): Promise<Started> {
  const backend = loadNative("gpu");
  if (!backend.isUsingGpuDevice) {
    throw new BackendError("TensorFlow's library found no NVIDIA GPU that it can use", {
      code: "backend/no-gpu",
      value: "gpu",
      hint: "A GPU needs NVIDIA's driver and the CUDA build of the library; `npm start` builds it where a driver is found.",
    });
  }
  return describe(backend);
}

/** TensorFlow's library on whatever it finds. */
export async function startNative(): Promise<Started> {
  return describe(loadNative("native"));
}

function describe(backend: NativeBackend): Started {
  return {
    tfjsName: "tensorflow",
    device: backend.isUsingGpuDevice ? `the GPU (${gpuName()})` : `the CPU (${describeProcessor()})`,
    version: `TensorFlow ${backend.binding.TF_Version}`,
    compileRoute: compileRouteOf(backend),
  };
}

function compileRouteOf(backend: NativeBackend): CompileRoute {
  return typeof backend.binding.defineFunction === "function" ? "func" : "session";
}

function loadNative(name: "gpu" | "native"): NativeBackend {
  prepareHost();
  try {
    createRequire(import.meta.url)(PACKAGE);
  } catch (cause) {
    throw new BackendError(`TensorFlow's native library did not load (${firstLine(cause)})`, {
      code: "backend/native-missing",
      value: name,
      hint: "`npm start` builds its binding; without it wasm computes the same numbers more slowly.",
      cause,
    });
  }
  return tf.findBackend("tensorflow") as unknown as NativeBackend;
}

/** Keeps TensorFlow's log to errors, and gives tfjs-node the helpers that newer versions of Node dropped. */
function prepareHost(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  if (Number(process.versions.node.split(".")[0]) < 22) return;
  const util = createRequire(import.meta.url)("node:util") as Record<string, unknown>;
  util.isArray = Array.isArray; // these two warn in Node 22 and are gone in 23
  util.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
}

function gpuName(): string {
  try {
    const names = execFileSync("nvidia-smi", ["--query-gpu=name", "--format=csv,noheader"], {
      encoding: "utf8",
      timeout: 5_000,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return names.trim().split("\n").join(", ") || "NVIDIA";
  } catch {
    return "NVIDIA";
  }
}

const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]?.trim() ?? "";
