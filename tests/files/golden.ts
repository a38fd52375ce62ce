import { createHash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import golden from "../golden/files.json" with { type: "json" };

export { golden };

/** A file that the reference packages wrote. */
export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../golden/files/${name}`, import.meta.url));

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), "posttrain-files-"));

/** What `files.py` says about a tensor: equal digests mean equal float32 numbers, every one. */
export function digest(shape: readonly number[], numbers: Float32Array) {
  const positiveZeros = numbers.map((value) => value + 0);
  return {
    shape: [...shape],
    first: Array.from(numbers.slice(0, 4)),
    last: Array.from(numbers.slice(-4)),
    sum: expect.closeTo(
      numbers.reduce((sum, value) => sum + value, 0),
      6,
    ),
    sha256: createHash("sha256").update(new Uint8Array(positiveZeros.buffer)).digest("hex"),
  };
}
