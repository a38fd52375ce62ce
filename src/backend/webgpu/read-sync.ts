import { PosttrainError } from "../../errors.js";

/** The part of tfjs's WebGPU backend that decides where a tensor's values are. */
export interface WebGpuBackend {
  readonly tensorMap: {
    get(dataId: object): { readonly values?: unknown; readonly dtype: string } | undefined;
  };
  readSync(dataId: object): unknown;
}

/**
 * Outside a browser WebGPU cannot be read at once: tfjs looks for a canvas to read through and fails with its
 * name. This says what to do instead.
 *
 * @throws {PosttrainError} from `dataSync` and `arraySync` of a tensor that is on the GPU
 */
export function explainReadSync(backend: WebGpuBackend): void {
  const stock = backend.readSync.bind(backend);
  backend.readSync = (dataId) => {
    const data = backend.tensorMap.get(dataId);
    if (data && data.values == null && data.dtype !== "string") {
      throw new PosttrainError("webgpu cannot read a tensor at once", {
        code: "backend/read-sync",
        value: data.dtype,
        hint: "Use `await tensor.data()` or `await tensor.array()`, or another backend.",
      });
    }
    return stock(dataId);
  };
}
