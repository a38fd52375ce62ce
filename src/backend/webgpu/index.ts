import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { BackendError, type Started } from "../candidate.js";
import { tf } from "../tf.js";
import { installAddN } from "./add-n.js";
import { explainReadSync, type WebGpuBackend } from "./read-sync.js";

/** The part of the `webgpu` package (Dawn) that is used here. */
interface Dawn {
  create(flags: readonly string[]): { requestAdapter(options: object): Promise<Adapter | null> };
  readonly globals: object;
}
interface Adapter {
  readonly info: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter: boolean;
  };
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render/i;

/**
 * WebGPU through Dawn. A processor that imitates a GPU computes the right numbers hundreds of times more slowly
 * than wasm, so it is taken only when asked for.
 */
export async function startWebGpu(asked: boolean): Promise<Started> {
  requireVulkan(asked);
  const dawn = await load<Dawn>("webgpu");
  process.env.XDG_RUNTIME_DIR ??= tmpdir(); // or the Vulkan loader complains
  const gpu = dawn.create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw unavailable("no-adapter", "WebGPU found no graphics adapter");

  const { description, vendor, architecture, device, isFallbackAdapter } = adapter.info;
  const name = description || [vendor, architecture, device].filter(Boolean).join(" ");
  const isSoftware = isFallbackAdapter || SOFTWARE.test(`${name} ${architecture}`);
  if (isSoftware && !asked) {
    throw unavailable("software-adapter", `WebGPU found only a GPU imitated in software (${name})`);
  }

  if (!tf.findBackend("webgpu")) {
    exposeAsInBrowser(dawn, gpu);
    await load("@tensorflow/tfjs-backend-webgpu"); // registers itself where it finds navigator.gpu
    installAddN();
    await tf.setBackend("webgpu");
    explainReadSync(tf.backend() as unknown as WebGpuBackend);
  }
  return {
    tfjsName: "webgpu",
    device: isSoftware ? `a GPU imitated in software (${name})` : `the GPU (${name})`,
    version: `tfjs ${tf.version["tfjs-core"]} on WebGPU (Dawn)`,
    compileRoute: "eager",
  };
}

/** Dawn complains on the error stream when it finds nothing to run on under Linux; asking first keeps it quiet. */
function requireVulkan(asked: boolean): void {
  if (process.platform !== "linux") return;
  const devices = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg"]; // Mesa's drivers, NVIDIA's, and Windows' from WSL
  if (!asked && !devices.some(existsSync))
    throw unavailable("no-adapter", "this machine has no graphics device");
  try {
    process.dlopen({ exports: {} }, "libvulkan.so.1");
  } catch (error) {
    // A library that is there loads, and is then refused as no add-on of Node's.
    if (!String(error).includes("did not self-register")) {
      throw unavailable("no-vulkan", "there is no Vulkan library (libvulkan.so.1) for WebGPU to use");
    }
  }
  const folders = ["/usr/share", "/usr/local/share", "/etc"].map((parent) => `${parent}/vulkan/icd.d`);
  const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (!named && !folders.some((folder) => existsSync(folder) && readdirSync(folder).length > 0)) {
    throw unavailable("no-vulkan", "there is no Vulkan driver for WebGPU to use");
  }
}

/** tfjs looks for WebGPU where a browser has it. */
function exposeAsInBrowser(dawn: Dawn, gpu: object): void {
  Object.assign(globalThis, dawn.globals);
  const browser = globalThis as { navigator?: object };
  if (!browser.navigator) {
    const userAgent = `Node.js/${process.versions.node.split(".")[0]}`; // as Node ≥ 21 says it
    Object.defineProperty(browser, "navigator", { value: { userAgent }, configurable: true });
  }
  Object.defineProperty(browser.navigator, "gpu", { value: gpu, configurable: true });
}

async function load<Module>(name: string): Promise<Module> {
  try {
    createRequire(import.meta.url).resolve(name);
    return (await import(name)) as Module;
  } catch (cause) {
    throw unavailable("webgpu-missing", `the optional package ${name} is not installed`, cause);
  }
}

const unavailable = (what: string, reason: string, cause?: unknown): BackendError =>
  new BackendError(reason, {
    code: `backend/${what}`,
    value: "webgpu",
    hint: "Call useBackend() without a name to take the fastest backend that works.",
    cause,
  });
