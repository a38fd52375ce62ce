import { BackendError, type Started } from "./candidate.js";

/** WebGPU. */
export async function startWebGpu(): Promise<Started> {
  throw new BackendError("no WebGPU adapter was found", {
    code: "backend/no-webgpu",
    value: "webgpu",
    hint: "",
  });
}
