import { resolve } from "node:path";
import { type NativeBackend, type NativeBinding, type NativeTensor, nativeBackend } from "./native.js";
import { type Tensor, tf } from "./tf.js";

/** Numbers that lie in a file as they are. */
export interface StoredNumbers {
  readonly path: string;
  /** Length of the whole file, in bytes. */
  readonly fileSize: number;
  /** First byte of the numbers. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly dtype: "F32" | "F16" | "BF16";
}

/** TensorFlow's numbers for the types that its binding for Node does not name. */
const [TF_BFLOAT16, TF_HALF] = [14, 19];

/**
 * A float32 tensor of numbers that lie in a file. TensorFlow's library maps the file into memory and copies once,
 * with all threads, from the operating system's pages to the tensor: nothing passes through JavaScript.
 *
 * @returns a tensor that the caller owns; `undefined` where the library is not in use, or computes on a GPU
 * @throws {Error} when the file has become shorter than it was
 */
export function readStoredNumbers(stored: StoredNumbers): Tensor | undefined {
  const native = nativeBackend();
  if (!native || native.isUsingGpuDevice || stored.shape.includes(0)) return undefined;
  const handles: number[] = [];
  let result: NativeTensor | undefined;
  try {
    result = copyFromFile(native, stored, handles);
    return native.createOutputTensor(result);
  } finally {
    for (const id of handles) if (id !== result?.id) native.binding.deleteTensor(id);
  }
}

/** Every native tensor that it makes, the last included, is added to `handles`. */
function copyFromFile({ binding }: NativeBackend, stored: StoredNumbers, handles: number[]): NativeTensor {
  const { TF_ATTR_TYPE, TF_ATTR_SHAPE, TF_ATTR_STRING, TF_UINT8, TF_INT64, TF_FLOAT } = binding;
  const type = (name: string, value: number) => ({ name, type: TF_ATTR_TYPE, value });
  const execute = (...[operation, attributes, inputs]: Parameters<NativeBinding["executeOp"]>) => {
    const [output] = binding.executeOp(operation, attributes, inputs, 1);
    if (!output) throw new Error(`${operation} gave nothing`);
    handles.push(output.id);
    return output;
  };
  const indices = (...values: number[]): number => {
    const words = new Int32Array(BigInt64Array.from(values, BigInt).buffer);
    const id = binding.createTensor([values.length], TF_INT64, words);
    handles.push(id);
    return id;
  };

  const { fileSize, offset, shape, dtype } = stored;
  const width = dtype === "F32" ? 4 : 2; // bytes
  const length = tf.util.sizeFromShape([...shape]) * width;
  const file = execute(
    "ImmutableConst",
    [
      type("dtype", TF_UINT8),
      { name: "shape", type: TF_ATTR_SHAPE, value: [fileSize] },
      { name: "memory_region_name", type: TF_ATTR_STRING, value: resolve(stored.path) },
    ],
    [],
    1,
  );
  // At a multiple of 64 bytes a slice would be a view of the mapped file, which must not be written to.
  const bytes = execute(
    "Slice",
    [type("T", TF_UINT8), type("Index", TF_INT64)],
    [file.id, indices(offset), indices(length)],
    1,
  );
  const own = offset % 64 === 0 ? execute("DeepCopy", [type("T", TF_UINT8)], [bytes.id], 1) : bytes;
  const grouped = execute(
    "Reshape",
    [type("T", TF_UINT8), type("Tshape", TF_INT64)],
    [own.id, indices(...shape, width)],
    1,
  );
  const stored16 = dtype === "F16" ? TF_HALF : TF_BFLOAT16;
  const numbers = execute(
    "Bitcast",
    [type("T", TF_UINT8), type("type", dtype === "F32" ? TF_FLOAT : stored16)],
    [grouped.id],
    1,
  );
  if (dtype === "F32") return numbers;
  return execute("Cast", [type("SrcT", stored16), type("DstT", TF_FLOAT)], [numbers.id], 1);
}
