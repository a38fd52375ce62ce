import * as z from "zod";
import { HeaderCursor } from "./header-cursor.js";
import { topLevelKeys } from "./json-keys.js";
import { openFile } from "./open-file.js";
import { bytesOf, largestHeader } from "./safetensors-types.js";
import { damagedFile, requireDisjoint, type TensorFile, type TensorInfo } from "./tensor-file.js";
import { tensorReaders } from "./tensor-readers.js";

const size = z.int().nonnegative();
const tensorHeader = z.object({
  dtype: z.string(),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});
const metadataHeader = z.record(z.string(), z.string());

/** A `TensorFile` whose metadata is text only. */
export interface SafetensorsFile extends TensorFile {
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Opens a safetensors file: reads and checks its header, leaves the tensors on disk.
 * `read` gives F32, F16 and BF16 as float32; tensors of other types have their raw bytes.
 *
 * The layout is 8 bytes of header length, the header in JSON, then the tensors without a gap.
 *
 * @throws {DataError} naming the file and the field when the header is damaged, truncated or contradicts itself
 * @source safetensors, `README.md` (format)
 */
export function openSafetensors(path: string): SafetensorsFile {
  const file = openFile(path);
  try {
    const cursor = new HeaderCursor(file);
    const header = readHeader(cursor, path);
    const metadata = new Map<string, string>();
    const tensors = new Map<string, TensorInfo>();
    for (const [name, value] of header) {
      if (name === "__metadata__") {
        const entries = parseField(path, '"__metadata__"', metadataHeader, value);
        for (const [key, text] of Object.entries(entries)) metadata.set(key, text);
      } else {
        tensors.set(name, tensorInfo(path, name, value, cursor.offset));
      }
    }
    requireDisjoint(path, tensors, cursor.offset, file.size);
    requireGapless(path, tensors, file.size - cursor.offset);
    const readers = tensorReaders(file, tensors);
    return { path, fileSize: file.size, format: "safetensors", metadata, tensors, ...readers };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The header's entries in their order, which a JavaScript object would not keep for names like "0". */
function readHeader(cursor: HeaderCursor, path: string): [string, unknown][] {
  const length = cursor.uint64("the header length");
  if (length > BigInt(Math.min(cursor.remaining, largestHeader))) {
    const problem = `is ${length}; the file has ${cursor.remaining} bytes behind it, a header at most ${largestHeader}`;
    throw damagedFile(path, "the header length", problem, length);
  }
  const text = cursor.take(Number(length), "the header").toString("utf8");
  const header = parseField(path, "the header", z.record(z.string(), z.unknown()), parseJson(path, text));
  const keys = topLevelKeys(text);
  const seen = new Set<string>();
  const twice = keys.find((key) => seen.size === seen.add(key).size);
  if (twice !== undefined) throw damagedFile(path, `tensor "${twice}"`, "appears twice in the header", twice);
  return keys.map((key) => [key, header[key]]);
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damagedFile(path, "the header", `is not JSON: ${cause instanceof Error ? cause.message : cause}`);
  }
}

function tensorInfo(path: string, name: string, value: unknown, dataStart: number): TensorInfo {
  const field = `tensor "${name}"`;
  const { dtype, shape, data_offsets } = parseField(path, field, tensorHeader, value);
  const [begin, end] = data_offsets;
  const itemBytes = bytesOf.get(dtype);
  if (itemBytes === undefined) throw damagedFile(path, field, `has the unknown dtype ${dtype}`, dtype);
  const byteLength = shape.reduce((product, length) => product * length, itemBytes);
  if (byteLength !== end - begin) {
    const problem = `of shape [${shape}] and dtype ${dtype} takes ${byteLength} bytes, its data_offsets span ${end - begin}`;
    throw damagedFile(path, field, problem, data_offsets);
  }
  return { dtype, shape, offset: dataStart + begin, byteLength };
}

function requireGapless(path: string, tensors: ReadonlyMap<string, TensorInfo>, dataBytes: number): void {
  let used = 0;
  for (const { byteLength } of tensors.values()) used += byteLength;
  if (used === dataBytes) return;
  const problem = `are ${dataBytes} bytes long, but the tensors in the header take ${used}`;
  throw damagedFile(path, "the data", problem, dataBytes);
}

function parseField<T>(path: string, field: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const place = issue?.path.join(".");
  throw damagedFile(path, place ? `${field}, ${place},` : field, `is wrong: ${issue?.message}`, value);
}
