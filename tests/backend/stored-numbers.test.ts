import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readStoredNumbers, type StoredNumbers, tf, useBackend } from "posttrain/backend";
import { openSafetensors, writeSafetensors } from "posttrain/files";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasNative } from "./compile/native.js";

const folder = mkdtempSync(join(tmpdir(), "posttrain-stored-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of 40 filling bytes and then the numbers 0, 1, 2, … as float32. */
function countingFile(name: string, filling: number): StoredNumbers {
  const path = join(folder, name);
  const numbers = Float32Array.from({ length: 6000 }, (_, i) => i);
  writeFileSync(path, Buffer.concat([Buffer.alloc(filling), Buffer.from(numbers.buffer)]));
  return { path, fileSize: filling + 24_000, offset: filling, shape: [20, 300], dtype: "F32" };
}

describe.runIf(hasNative)("on TensorFlow's library", () => {
  beforeAll(async () => {
    await useBackend("native");
  });

  it.each([
    "F32",
    "F16",
    "BF16",
  ] as const)("numbers stored as %s are those that the file's reader gives", (dtype) => {
    const path = join(folder, `${dtype}.safetensors`);
    const values = Float32Array.from({ length: 35 }, (_, i) => Math.sin(i) * 10 ** ((i % 9) - 4));
    writeSafetensors(
      path,
      [
        { name: "odd", shape: [3], data: values.slice(0, 3) },
        { name: "weight", shape: [5, 7], data: values },
      ],
      { dtype },
    );
    const file = openSafetensors(path);
    const info = file.tensors.get("weight");
    const before = tf.memory().numTensors;
    const tensor = readStoredNumbers({ path, fileSize: file.fileSize, ...info } as StoredNumbers);
    expect(tensor?.shape).toEqual([5, 7]);
    expect(tensor?.dtype).toBe("float32");
    expect(tensor?.dataSync()).toEqual(file.read("weight"));
    tensor?.dispose();
    expect(tf.memory().numTensors).toBe(before);
    file.close();
  });

  it.each([
    40, 64, 128, 4096,
  ])("numbers that start at byte %d belong to the tensor, not to the file", (offset) => {
    const stored = countingFile(`at-${offset}`, offset);
    const tensor = readStoredNumbers(stored);
    writeFileSync(stored.path, Buffer.alloc(stored.fileSize, 1)); // the same file, other bytes
    expect(tensor?.dataSync()[4321]).toBe(4321);
    truncateSync(stored.path);
    expect(tensor?.dataSync()[5999]).toBe(5999);
    tensor?.dispose();
  });

  it("a file that has become shorter is an error", () => {
    const stored = countingFile("short", 8);
    truncateSync(stored.path, 1000);
    expect(() => readStoredNumbers(stored)).toThrow();
  });

  it("a file beyond the reach of 32-bit offsets can be read", () => {
    const path = join(folder, "sparse");
    const offset = 2 ** 32 + 4;
    writeFileSync(path, "");
    truncateSync(path, offset);
    writeFileSync(path, Buffer.from(Float32Array.of(1.5, -2).buffer), { flag: "a" });
    const tensor = readStoredNumbers({ path, fileSize: offset + 8, offset, shape: [2], dtype: "F32" });
    expect(tensor?.arraySync()).toEqual([1.5, -2]);
    tensor?.dispose();
  });
});

it("on other backends the caller reads the file", async () => {
  await useBackend("cpu");
  expect(readStoredNumbers(countingFile("cpu", 8))).toBeUndefined();
  await useBackend();
});
