import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DataError } from "../errors.js";
import { damagedFile } from "./tensor-file.js";

/** A file opened for reading at any place. */
export interface OpenFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** The bytes `[offset, offset + length)`, in a buffer of the caller's own. */
  bytes(offset: number, length: number, field: string): Buffer;
  close(): void;
}

/** @throws {DataError} when there is no such file, it is not a plain file, or it may not be read */
export function openFile(path: string): OpenFile {
  const descriptor = openDescriptor(path);
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) {
    closeSync(descriptor);
    throw new DataError(`${path} is not a file`, {
      code: "files/not-a-file",
      value: path,
      hint: "Give the path of the file itself, not of its folder.",
    });
  }
  let open = true;
  return {
    path,
    size: stat.size,
    bytes(offset, length, field) {
      if (offset + length > stat.size) {
        const problem = `needs ${length} bytes at byte ${offset}, but the file ends at ${stat.size}`;
        throw damagedFile(path, field, problem, length);
      }
      const buffer = Buffer.allocUnsafeSlow(length);
      let done = 0;
      while (done < length) {
        const read = readSync(descriptor, buffer, done, length - done, offset + done);
        if (read === 0)
          throw damagedFile(path, field, "ends early: the file was cut while it was open", done);
        done += read;
      }
      return buffer;
    },
    close() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

function openDescriptor(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw new DataError(`cannot open ${path}: ${cause instanceof Error ? cause.message : cause}`, {
      code: "files/cannot-open",
      value: path,
      hint: "Check that the file exists and may be read.",
      cause,
    });
  }
}
