import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { BackendError, type CompileRoute, type Started } from "./candidate.js";
import { mayCompile } from "./compile-policy.js";
import { describeProcessor } from "./host.js";
import { replaceMatMul } from "./native-mat-mul.js";
import { replaceSoftmax } from "./native-softmax.js";
import { type Tensor, tf } from "./tf.js";

/** A tensor as TensorFlow's library knows it. */
export interface NativeTensor {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** An attribute of an operation: `type` is one of the binding's `TF_ATTR_…`. */
export interface NativeAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** The calls into TensorFlow's library. */
export interface NativeBinding {
  readonly TF_Version: string;
  readonly TF_BOOL: number;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_RESOURCE: number;
  readonly TF_INT64: number;
  readonly TF_UINT8: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_TYPE: number;
  createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
  deleteTensor(id: number): void;
  executeOp(name: string, attributes: NativeAttribute[], inputs: number[], outputs: number): NativeTensor[];
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(model: number): void;
  runSavedModel(model: number, inputs: number[], inputNames: string, outputNames: string): NativeTensor[];
  /** Only in the binding that this project builds: makes a graph callable by `executeOp`. */
  defineFunction?(name: string, graph: Uint8Array, inputs: string, outputs: string): void;
  removeFunction?(name: string): void;
}

/** What tfjs-node keeps of the data that tensors share. */
export interface NativeData {
  readonly shape: number[];
  readonly dtype: number;
  /** Values that TensorFlow's library has not seen yet. */
  readonly values: tf.BackendValues | null;
  /** The native tensor. */
  readonly id: number;
  /** How many tensors of tfjs share it. */
  refCount: number;
}

/** The part of tfjs-node's backend that this library calls beyond tfjs's own interface. */
export interface NativeBackend {
  readonly isUsingGpuDevice: boolean;
  binding: NativeBinding;
  readonly tensorMap: {
    has(dataId: object): boolean;
    get(dataId: object): NativeData;
    set(dataId: object, data: NativeData): void;
    delete(dataId: object): boolean;
  };
  getDTypeInteger(dtype: tf.DataType): number;
  getInputTensorIds(tensors: readonly Tensor[]): number[];
  createOutputTensor(tensor: NativeTensor): Tensor;
  executeSingleOutput(operation: string, attributes: NativeAttribute[], inputs: readonly Tensor[]): Tensor;
  executeMultipleOutputs(
    operation: string,
    attributes: NativeAttribute[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[];
  write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object;
  readSync(dataId: object): tf.BackendValues;
  read(dataId: object): Promise<tf.BackendValues>;
  disposeData(dataId: object, force?: boolean): boolean;
}

/** TensorFlow's library, when it is the backend in use: its operations can be called by name. */
export function nativeBackend(): NativeBackend | undefined {
  return tf.getBackend() === "tensorflow" ? (tf.backend() as unknown as NativeBackend) : undefined;
}

/** How `compileStep` can run a step on this binding. */
export function compileRouteOf({ binding }: NativeBackend): CompileRoute {
  if (!mayCompile()) return "eager";
  return binding.defineFunction ? "func" : "session";
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

let improved = false; // kernels register once in a process

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
  if (!improved) {
    replaceMatMul();
    replaceSoftmax();
  }
  improved = true;
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
