import { OptionError } from "../errors.js";
import { brainFromFloat32, halfFromFloat32 } from "./float16.js";
import { replaceFile } from "./replace-file.js";
import { bytesOf, rankOf } from "./safetensors-types.js";

export type FloatType = "F32" | "F16" | "BF16";

/** Numbers, which are stored as the file's `dtype`, or bytes that already are of the entry's own `dtype`. */
type TensorData = Float32Array | Uint8Array;

export interface TensorEntry {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major. A function is called when its turn comes to be written, so that not all need be in memory. */
  readonly data: TensorData | (() => TensorData);
  /** Overrides the file's; needed with bytes. */
  readonly dtype?: string;
}

export interface WriteSafetensorsOptions {
  /** How float32 numbers are stored; 16-bit types round to nearest, ties to even. @default "F32" */
  dtype?: FloatType;
  /** @default { format: "pt" }, which transformers wants to see */
  metadata?: Readonly<Record<string, string>> | ReadonlyMap<string, string>;
  /** `"reference"` lays tensors out as the Python package does: wide types first, then by name. @default "reference" */
  order?: "reference" | "given";
}

/**
 * Writes a safetensors file, byte for byte as the reference implementation would: tensors in its order,
 * the header padded with spaces to a multiple of 8. The file is replaced whole or not at all.
 *
 * @throws {OptionError} when a name appears twice or data and shape disagree
 * @throws {DataError} when it cannot be written, as on a full disk
 */
export function writeSafetensors(
  path: string,
  entries: Iterable<TensorEntry>,
  { dtype = "F32", metadata = { format: "pt" }, order = "reference" }: WriteSafetensorsOptions = {},
): void {
  const tensors = [...entries].map((entry) => ({ ...entry, dtype: entry.dtype ?? dtype }));
  requireNames(tensors.map(({ name }) => name));
  if (order === "reference") {
    tensors.sort(
      (a, b) => rankOf(b.dtype) - rankOf(a.dtype) || Buffer.from(a.name).compare(Buffer.from(b.name)),
    );
  }
  const header = headerOf(tensors, metadata);
  const body = function* () {
    yield header;
    for (const tensor of tensors) yield storedBytes(tensor);
  };
  replaceFile(path, body());
}

type TypedEntry = TensorEntry & { readonly dtype: string };

const byteLength = ({ name, shape, dtype }: TypedEntry): number => {
  const itemBytes = bytesOf.get(dtype);
  if (itemBytes !== undefined) return shape.reduce((product, length) => product * length, itemBytes);
  throw new OptionError(`tensor "${name}" cannot be stored as ${dtype}`, {
    code: "files/unknown-dtype",
    value: dtype,
    hint: `Safetensors stores ${[...bytesOf.keys()].join(", ")}.`,
  });
};

function headerOf(
  tensors: readonly TypedEntry[],
  metadata: NonNullable<WriteSafetensorsOptions["metadata"]>,
): Buffer {
  const pairs = metadata instanceof Map ? [...metadata] : Object.entries(metadata);
  const texts = pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  const parts = texts.length > 0 ? [`"__metadata__":{${texts.join(",")}}`] : [];
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + byteLength(tensor);
    const info = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] };
    parts.push(`${JSON.stringify(tensor.name)}:${JSON.stringify(info)}`);
    offset = end;
  }
  const json = Buffer.from(`{${parts.join(",")}}`);
  const padding = Buffer.alloc((8 - (json.length % 8)) % 8, " ");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding.length));
  return Buffer.concat([length, json, padding]);
}

function storedBytes(tensor: TypedEntry): Uint8Array {
  const data = typeof tensor.data === "function" ? tensor.data() : tensor.data;
  const bytes = data instanceof Float32Array ? narrow(tensor, data) : data;
  const wanted = byteLength(tensor);
  if (bytes.length === wanted) return bytes;
  throw new OptionError(
    `tensor "${tensor.name}" [${tensor.shape}] takes ${wanted} bytes, its data ${bytes.length}`,
    {
      code: "files/wrong-length",
      value: bytes.length,
      hint: "The shape must multiply to the number of values.",
    },
  );
}

function narrow({ name, dtype }: TypedEntry, numbers: Float32Array): Uint8Array {
  const asBytes = (array: Float32Array | Uint16Array) =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  if (dtype === "F32") return asBytes(numbers);
  if (dtype === "F16") return asBytes(halfFromFloat32(numbers));
  if (dtype === "BF16") return asBytes(brainFromFloat32(numbers));
  throw new OptionError(`tensor "${name}" has float32 numbers, which are not stored as ${dtype}`, {
    code: "files/unknown-dtype",
    value: dtype,
    hint: "Float32 numbers are stored as F32, F16 or BF16; give raw bytes for other types.",
  });
}

function requireNames(names: readonly string[]): void {
  const seen = new Set(["__metadata__"]);
  const wrong = names.find((name) => seen.size === seen.add(name).size);
  if (wrong === undefined) return;
  throw new OptionError(`two tensors cannot both be called "${wrong}"`, {
    code: "files/duplicate-name",
    value: wrong,
    hint: '"__metadata__" is taken by the format itself.',
  });
}
