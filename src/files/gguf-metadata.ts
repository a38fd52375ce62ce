import type { HeaderCursor } from "./header-cursor.js";
import { damagedFile, type MetadataValue } from "./tensor-file.js";

const deepestArray = 4;

interface ValueType {
  /** Least bytes that one value takes. */
  bytes: number;
  read(cursor: HeaderCursor, field: string): MetadataValue;
}

/** A 64-bit integer as a number where that is exact, as a bigint where it is not. */
const exact = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;

const stringType = 8;
const arrayType = 9;
const scalarTypes: ReadonlyMap<number, ValueType> = new Map<number, ValueType>([
  [0, { bytes: 1, read: (cursor, field) => cursor.take(1, field).readUInt8() }],
  [1, { bytes: 1, read: (cursor, field) => cursor.take(1, field).readInt8() }],
  [2, { bytes: 2, read: (cursor, field) => cursor.take(2, field).readUInt16LE() }],
  [3, { bytes: 2, read: (cursor, field) => cursor.take(2, field).readInt16LE() }],
  [4, { bytes: 4, read: (cursor, field) => cursor.uint32(field) }],
  [5, { bytes: 4, read: (cursor, field) => cursor.take(4, field).readInt32LE() }],
  [6, { bytes: 4, read: (cursor, field) => cursor.take(4, field).readFloatLE() }],
  [7, { bytes: 1, read: (cursor, field) => cursor.take(1, field).readUInt8() !== 0 }],
  [stringType, { bytes: 8, read: (cursor, field) => cursor.string(field) }],
  [10, { bytes: 8, read: (cursor, field) => exact(cursor.uint64(field)) }],
  [11, { bytes: 8, read: (cursor, field) => exact(cursor.take(8, field).readBigInt64LE()) }],
  [12, { bytes: 8, read: (cursor, field) => cursor.take(8, field).readDoubleLE() }],
]);

/** One value of a GGUF's metadata: its type's number, then the value. */
export function readMetadataValue(cursor: HeaderCursor, path: string, key: string): MetadataValue {
  const field = `metadata "${key}"`;
  return readValue(cursor, path, field, cursor.uint32(`${field} (its type)`), 0);
}

function readValue(
  cursor: HeaderCursor,
  path: string,
  field: string,
  type: number,
  depth: number,
): MetadataValue {
  if (type === arrayType) return readArray(cursor, path, field, depth + 1);
  return typeOf(path, field, type).read(cursor, field);
}

function readArray(cursor: HeaderCursor, path: string, field: string, depth: number): MetadataValue[] {
  if (depth > deepestArray) throw damagedFile(path, field, `nests arrays deeper than ${deepestArray}`, depth);
  const type = cursor.uint32(`${field} (its item type)`);
  const itemBytes = type === arrayType ? 12 : typeOf(path, field, type).bytes;
  const count = cursor.itemCount(`${field} (its length)`, itemBytes);
  const items: MetadataValue[] = [];
  for (let i = 0; i < count; i++) items.push(readValue(cursor, path, field, type, depth));
  return items;
}

function typeOf(path: string, field: string, type: number): ValueType {
  const known = scalarTypes.get(type);
  if (!known) throw damagedFile(path, field, `has the unknown value type ${type}`, type);
  return known;
}
