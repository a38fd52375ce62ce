import { DataError } from "../errors.js";

/** A value of a file's metadata. Integers above 2^53 stay exact as `bigint`. */
export type MetadataValue = string | number | bigint | boolean | MetadataValue[];

/** What a file's header says about one tensor. */
export interface TensorInfo {
  /** How the numbers are stored: `"F32"`, `"BF16"`, `"Q4_1"`, … */
  readonly dtype: string;
  /** Row-major: the last axis varies fastest. */
  readonly shape: readonly number[];
  /** First byte of the tensor, from the start of the file. */
  readonly offset: number;
  /** Length in bytes; 0 when the storage type is one we cannot read. */
  readonly byteLength: number;
}

/**
 * An open file of named tensors. Only the header has been read; every tensor is read from disk when asked for.
 * Close it when done: it holds a file descriptor.
 */
export interface TensorFile {
  readonly path: string;
  /** Bytes. */
  readonly fileSize: number;
  readonly format: "safetensors" | "gguf";
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /**
   * The numbers of one tensor as float32, dequantised if need be, row-major. A fresh array that the caller owns.
   *
   * @throws {DataError} when there is no such tensor, or its storage type is not one of those we read
   */
  read(name: string): Float32Array;
  /** The bytes of one tensor exactly as they are stored. */
  readBytes(name: string): Uint8Array;
  close(): void;
}

/** A file whose content contradicts itself or its own length. `field` names the part that is wrong. */
export function damagedFile(path: string, field: string, problem: string, value?: unknown): DataError {
  return new DataError(`${path} is damaged: ${field} ${problem}`, {
    code: "files/damaged",
    value,
    hint: "Download or write the file again; it is truncated, damaged, or not of the format its name claims.",
  });
}

/** Refuses tensors whose bytes lie outside `[dataStart, fileSize)` or overlap each other. */
export function requireDisjoint(
  path: string,
  tensors: ReadonlyMap<string, TensorInfo>,
  dataStart: number,
  fileSize: number,
): void {
  const byOffset = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength);
  let end = dataStart;
  let previous = "the header";
  for (const [name, { offset, byteLength }] of byOffset) {
    if (offset + byteLength > fileSize) {
      const problem = `ends at byte ${offset + byteLength}, but the file has ${fileSize}`;
      throw damagedFile(path, `tensor "${name}"`, problem, offset + byteLength);
    }
    if (offset < end) throw damagedFile(path, `tensor "${name}"`, `overlaps ${previous}`, offset);
    end = offset + byteLength;
    previous = `tensor "${name}"`;
  }
}
