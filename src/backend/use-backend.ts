import { BackendError, type Candidate, type Started } from "./candidate.js";
import { allowCompiling, mayCompile } from "./compile-policy.js";
import { BACKEND_NAMES, type BackendName, parseBackendName } from "./names.js";
import { startGpu, startNative } from "./native.js";
import { startPlain } from "./plain.js";
import { BackendReport, type PassedOver } from "./report.js";
import { selfTest } from "./self-test.js";
import { tf } from "./tf.js";
import { startWasm } from "./wasm/index.js";
import { startWebGpu } from "./webgpu/index.js";

const CANDIDATES: Record<BackendName, Candidate> = {
  gpu: startGpu,
  native: startNative,
  webgpu: startWebGpu,
  wasm: startWasm,
  cpu: startPlain,
};

export interface UseBackendOptions {
  /**
   * Whether train steps, generation and whatever else uses `compileStep` are compiled where the backend can. `false`
   * runs everything operation by operation: slower, and a debugger can step through it.
   * @default true, unless the environment variable `POSTTRAIN_COMPILE` is `0`
   */
  compile?: boolean;
}

const reports = new Map<string, BackendReport>();
let turn: Promise<unknown> = Promise.resolve();

/**
 * Chooses what computes, once for the whole process, and says so in words.
 *
 * Without a name the fastest backend that works here is taken: TensorFlow's library on a GPU, the same library
 * on the CPU, WebGPU on a real (not imitated) adapter, WebAssembly, plain JavaScript. Each must pass a small
 * self-test; the reasons of those that were passed over are in the report. Calling it again is quick and gives
 * the same report; calling it with another name switches, and tensors made before
 * stay readable (except those on `webgpu`, which only `await tensor.data()` reads).
 *
 * @param name `"gpu"`, `"native"` (or tfjs's name for it, `"tensorflow"`), `"webgpu"`, `"wasm"` or `"cpu"`
 * @default the value of the environment variable `POSTTRAIN_BACKEND`, else the fastest that works
 * @throws {OptionError} when the name is not one of these
 * @throws {BackendError} when the named backend cannot run here; the backend in use before stays in use
 */
export async function useBackend(
  name?: BackendName | "tensorflow",
  { compile = process.env.POSTTRAIN_COMPILE !== "0" }: UseBackendOptions = {},
): Promise<BackendReport> {
  const wanted = requested(name);
  const mine = turn.then(() => choose(wanted, compile)); // one at a time: tfjs has a single current backend
  turn = mine.catch(() => {});
  return mine;
}

function requested(name: string | undefined): BackendName | "automatic" {
  if (name !== undefined) return parseBackendName(name, "useBackend");
  const fromEnvironment = process.env.POSTTRAIN_BACKEND;
  return fromEnvironment ? parseBackendName(fromEnvironment, "POSTTRAIN_BACKEND") : "automatic";
}

async function choose(wanted: BackendName | "automatic", compile: boolean): Promise<BackendReport> {
  const before = mayCompile();
  allowCompiling(compile); // first: the report says how steps are run
  try {
    const key = `${wanted} ${compile}`;
    const known = reports.get(key);
    if (known) {
      await tf.setBackend(known.tfjsName);
      return known;
    }
    const report =
      wanted === "automatic" ? await fastest() : new BackendReport(wanted, await accept(wanted, true), []);
    reports.set(key, report);
    return report;
  } catch (error) {
    allowCompiling(before);
    throw error;
  }
}

async function fastest(): Promise<BackendReport> {
  const passedOver: PassedOver[] = [];
  for (const name of BACKEND_NAMES) {
    try {
      return new BackendReport(name, await accept(name, false), passedOver);
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      passedOver.push({ name, reason: reasonOf(error) });
    }
  }
  throw new BackendError("no backend works here", {
    code: "backend/none",
    value: passedOver,
    hint: "Not even plain JavaScript passed its self-test: reinstall @tensorflow/tfjs.",
  });
}

/** Starts a backend, selects it and tests it; on failure the one selected before is selected again. */
async function accept(name: BackendName, asked: boolean): Promise<Started> {
  const before: string | undefined = tf.getBackend();
  try {
    const started = await CANDIDATES[name](asked);
    if (!(await tf.setBackend(started.tfjsName))) throw new Error("tfjs could not initialise it");
    await selfTest();
    return started;
  } catch (error) {
    if (before) await tf.setBackend(before);
    if (error instanceof BackendError) throw error;
    throw new BackendError(error instanceof Error ? error.message : String(error), {
      code: "backend/unusable",
      value: name,
      hint: "Call useBackend() without a name to take the fastest backend that works.",
      cause: error,
    });
  }
}

const reasonOf = (error: BackendError): string => error.message.split("\nHint:")[0] ?? error.message;
