import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { DataError } from "../errors.js";

/**
 * Writes a whole file or nothing: the bytes go to a temporary file beside it, which takes its place when complete.
 * When the disk is full or the process dies, the old file is untouched. Missing folders are made.
 *
 * @throws {DataError} `files/disk-full`, or `files/cannot-write` for any other reason
 */
export function replaceFile(path: string, content: string | Uint8Array | Iterable<Uint8Array>): void {
  const temporary = `${path}.${process.pid}.partial`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeAll(temporary, content);
    renameSync(temporary, path);
  } catch (cause) {
    discard(temporary);
    throw explain(path, cause);
  }
}

function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made; what went wrong before is what matters.
  }
}

function writeAll(path: string, content: string | Uint8Array | Iterable<Uint8Array>): void {
  const descriptor = openSync(path, "w");
  try {
    for (const chunk of chunks(content)) {
      for (let done = 0; done < chunk.length; ) done += writeSync(descriptor, chunk, done);
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function chunks(content: string | Uint8Array | Iterable<Uint8Array>): Iterable<Uint8Array> {
  if (typeof content === "string") return [Buffer.from(content)];
  return content instanceof Uint8Array ? [content] : content;
}

const fullDisk = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

function explain(path: string, cause: unknown): unknown {
  const reason = cause as NodeJS.ErrnoException;
  if (typeof reason.code !== "string" || reason.syscall === undefined) return cause;
  if (fullDisk.has(reason.code)) {
    return new DataError(`there is no room to write ${path} (${reason.code})`, {
      code: "files/disk-full",
      value: path,
      hint: "Free some space, or write elsewhere. The file that was there before is unchanged.",
      cause,
    });
  }
  return new DataError(`cannot write ${path}: ${reason.message}`, {
    code: "files/cannot-write",
    value: path,
    hint: "Check that the folder exists and may be written to.",
    cause,
  });
}
