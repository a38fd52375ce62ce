import { OptionError } from "../errors.js";

/** The backends from fastest to slowest: the order in which the automatic choice tries them. */
export const BACKEND_NAMES = ["gpu", "native", "webgpu", "wasm", "cpu"] as const;

/**
 * What may compute:
 *
 * - `gpu`: TensorFlow's own library on an NVIDIA GPU
 * - `native`: TensorFlow's own library, on a GPU or the CPU as it finds them
 * - `webgpu`: any GPU, through WebGPU (Dawn)
 * - `wasm`: WebAssembly with SIMD, one thread
 * - `cpu`: plain JavaScript, slow and always there
 */
export type BackendName = (typeof BACKEND_NAMES)[number];

const ALIASES: Readonly<Record<string, BackendName>> = { tensorflow: "native" };

/** The backend meant by a name that a person or the environment gave. `origin` says where it came from. */
export function parseBackendName(name: string, origin: string): BackendName {
  const wanted = ALIASES[name] ?? name;
  const known = BACKEND_NAMES.find((candidate) => candidate === wanted);
  if (known) return known;
  throw new OptionError(`${origin} names an unknown backend: ${JSON.stringify(name)}`, {
    code: "backend/unknown",
    value: name,
    hint: `Choose one of ${BACKEND_NAMES.join(", ")}, or none to let the fastest one be found.`,
  });
}
