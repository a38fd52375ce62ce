import { DataError } from "../errors.js";
import { readMetadataValue } from "./gguf-metadata.js";
import { type GgufType, ggufTypes } from "./gguf-types.js";
import { HeaderCursor } from "./header-cursor.js";
import { type OpenFile, openFile } from "./open-file.js";
import {
  damagedFile,
  type MetadataValue,
  requireDisjoint,
  type TensorFile,
  type TensorInfo,
} from "./tensor-file.js";
import { tensorReaders } from "./tensor-readers.js";

const mostAxes = 4;
const largestAlignment = 1 << 20;

/**
 * Opens a GGUF file, version 2 or 3 (little-endian): reads and checks its header, leaves the tensors on disk.
 * `read` dequantises F32, F16, BF16, Q8_0, Q4_0 and Q4_1. Shapes are row-major, that is ggml's reversed.
 *
 * @throws {DataError} naming the file and the field when the header is damaged, truncated or contradicts itself
 * @source ggml, `docs/gguf.md`
 */
export function openGguf(path: string): TensorFile {
  const file = openFile(path);
  try {
    const cursor = new HeaderCursor(file);
    const { tensorCount, metadataCount } = readPreamble(cursor, path);
    const metadata = readMetadata(cursor, path, metadataCount);
    const tensors = readTensorInfos(cursor, file, tensorCount, alignmentOf(path, metadata));
    return { path, fileSize: file.size, format: "gguf", metadata, tensors, ...tensorReaders(file, tensors) };
  } catch (error) {
    file.close();
    throw error;
  }
}

function readPreamble(cursor: HeaderCursor, path: string): { tensorCount: bigint; metadataCount: number } {
  const magic = cursor.take(4, "the magic number").toString("latin1");
  if (magic !== "GGUF") {
    throw new DataError(`${path} is not a GGUF file: it starts with ${JSON.stringify(magic)}`, {
      code: "files/not-gguf",
      value: magic,
      hint: "A GGUF file starts with the letters GGUF; this may be a text file or a failed download.",
    });
  }
  const version = cursor.uint32("the version");
  if (version !== 2 && version !== 3) {
    throw new DataError(`${path} is GGUF version ${version}; versions 2 and 3 (little-endian) can be read`, {
      code: "files/gguf-version",
      value: version,
      hint: "Convert the file again with a current llama.cpp.",
    });
  }
  const tensorCount = cursor.uint64("the tensor count");
  return { tensorCount, metadataCount: cursor.count("the metadata count", 13) };
}

function readMetadata(cursor: HeaderCursor, path: string, count: number): Map<string, MetadataValue> {
  const metadata = new Map<string, MetadataValue>();
  for (let i = 0; i < count; i++) {
    const key = cursor.string(`the key of metadata entry ${i}`);
    if (metadata.has(key)) throw damagedFile(path, `metadata "${key}"`, "appears twice", key);
    metadata.set(key, readMetadataValue(cursor, path, key));
  }
  return metadata;
}

function alignmentOf(path: string, metadata: ReadonlyMap<string, MetadataValue>): number {
  const alignment = metadata.get("general.alignment") ?? 32;
  const isPowerOfTwo = typeof alignment === "number" && Math.log2(alignment) % 1 === 0;
  if (!isPowerOfTwo || alignment > largestAlignment) {
    throw damagedFile(path, 'metadata "general.alignment"', `is ${alignment}, not a power of two`, alignment);
  }
  return alignment;
}

function readTensorInfos(
  cursor: HeaderCursor,
  file: OpenFile,
  count: bigint,
  alignment: number,
): Map<string, TensorInfo> {
  const { path } = file;
  if (count * 24n > BigInt(cursor.remaining)) {
    const problem = `is ${count}, more than the ${cursor.remaining} bytes that are left can describe`;
    throw damagedFile(path, "the tensor count", problem, count);
  }
  const relative = new Map<string, TensorInfo>();
  for (let i = 0; i < Number(count); i++) {
    const name = cursor.string(`the name of tensor ${i}`);
    if (relative.has(name)) throw damagedFile(path, `tensor "${name}"`, "appears twice", name);
    relative.set(name, readTensorInfo(cursor, file, name, alignment));
  }
  const dataStart = Math.ceil(cursor.offset / alignment) * alignment;
  const tensors = new Map(
    [...relative].map(([name, info]) => [name, { ...info, offset: dataStart + info.offset }]),
  );
  requireDisjoint(path, tensors, dataStart, file.size);
  return tensors;
}

function readTensorInfo(cursor: HeaderCursor, file: OpenFile, name: string, alignment: number): TensorInfo {
  const field = (part: string) => `the ${part} of tensor "${name}"`;
  const refuse = (part: string, problem: string, value: unknown) =>
    damagedFile(file.path, field(part), problem, value);
  const axes = cursor.uint32(field("number of axes"));
  if (axes > mostAxes) throw refuse("number of axes", `is ${axes}, more than ${mostAxes}`, axes);
  const shape = Array.from({ length: axes }, () => cursor.uint64(field("shape"))).reverse();
  const typeNumber = cursor.uint32(field("type"));
  const offset = cursor.uint64(field("offset"));

  const type: GgufType = ggufTypes.get(typeNumber) ?? { name: `type ${typeNumber}`, items: 1, bytes: 0 };
  const items = shape.reduce((product, length) => product * length, 1n);
  const row = shape.at(-1) ?? 1n;
  if (row % BigInt(type.items) !== 0n) {
    throw refuse("shape", `has rows of ${row}, not a multiple of ${type.name}'s block of ${type.items}`, row);
  }
  const byteLength = (items / BigInt(type.items)) * BigInt(type.bytes);
  // Compared as big integers: a product of lying axes may be far beyond 2^53.
  if (items > BigInt(Number.MAX_SAFE_INTEGER) || offset + byteLength > BigInt(file.size)) {
    throw refuse(
      "shape",
      `[${shape}] needs ${byteLength} bytes from ${offset}; the file has ${file.size}`,
      shape,
    );
  }
  if (offset % BigInt(alignment) !== 0n) {
    throw refuse("offset", `is ${offset}, not a multiple of the alignment ${alignment}`, offset);
  }
  return {
    dtype: type.name,
    shape: shape.map(Number),
    offset: Number(offset),
    byteLength: Number(byteLength),
  };
}
