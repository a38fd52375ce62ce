import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openSafetensors, writeSafetensors } from "posttrain/files";
import { describe, expect, it } from "vitest";
import { digest, fixture, golden, temporaryFolder } from "./golden.js";

const raw = (path: string) => {
  const file = openSafetensors(path);
  const entries = [...file.tensors].map(([name, { dtype, shape }]) => ({
    name,
    dtype,
    shape,
    data: file.readBytes(name),
  }));
  file.close();
  return { entries, metadata: file.metadata };
};

describe("openSafetensors", () => {
  it.each(["f32", "f16", "bf16", "mixed"] as const)("reads the numbers that Python wrote: %s", (name) => {
    const file = openSafetensors(fixture(`${name}.safetensors`));
    for (const [tensor, expected] of Object.entries(golden[name])) {
      expect(digest(file.tensors.get(tensor)?.shape ?? [], file.read(tensor))).toEqual(expected);
    }
    file.close();
  });

  it("knows the metadata, and every tensor's type and shape, before any tensor is read", () => {
    const file = openSafetensors(fixture("mixed.safetensors"));
    expect([...file.metadata]).toEqual([["format", "pt"]]);
    expect(file.tensors.get("position_ids")).toMatchObject({ dtype: "I64", shape: [5] });
    expect(file.tensors.get("scalar")).toMatchObject({ dtype: "F32", shape: [] });
    file.close();
  });

  it("gives the raw bytes of types that are not floats, and refuses to call them floats", () => {
    const file = openSafetensors(fixture("mixed.safetensors"));
    expect([...file.readBytes("bytes")]).toEqual([1, 2, 3]);
    expect(() => file.read("position_ids")).toThrow(/"position_ids" is stored as I64/);
    file.close();
  });

  it("names what it has when asked for a tensor that it has not", () => {
    const file = openSafetensors(fixture("f32.safetensors"));
    expect(() => file.read("lm_head.weight")).toThrow(/no tensor "lm_head.weight"[\s\S]*a\.bias/);
    file.close();
  });
});

describe("writeSafetensors", () => {
  it.each([
    "f32",
    "f16",
    "bf16",
    "mixed",
    "gpt2/model",
    "llama/model",
    "qwen2/model",
  ])("writes what it read back byte for byte, whatever order the tensors come in: %s", (name) => {
    const path = fixture(`${name}.safetensors`);
    const { entries, metadata } = raw(path);
    const copy = join(temporaryFolder(), "copy.safetensors");
    writeSafetensors(copy, entries.reverse(), { metadata });
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
  });

  it.each([
    ["f32", "F32"],
    ["f16", "F16"],
    ["bf16", "BF16"],
  ] as const)("comes back to the same bytes by way of float32 numbers: %s", (name, dtype) => {
    const path = fixture(`${name}.safetensors`);
    const file = openSafetensors(path);
    const entries = [...file.tensors].map(([tensor, { shape }]) => ({
      name: tensor,
      shape,
      data: () => file.read(tensor),
    }));
    const copy = join(temporaryFolder(), "copy.safetensors");
    writeSafetensors(copy, entries, { dtype });
    file.close();
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
  });

  it("keeps the given order when told to, and writes the same bytes when that file is written again", () => {
    const folder = temporaryFolder();
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    const entries = ["b", "0", "a"].map((name) => ({ name, shape: [2], data: Float32Array.of(1, 2) }));
    const metadata = { step: "12", format: "pt", 说明: 'a "quoted" note\n' };
    writeSafetensors(first, entries, { metadata, order: "given" });
    const read = raw(first);
    expect(read.entries.map(({ name }) => name)).toEqual(["b", "0", "a"]);
    expect(Object.fromEntries(read.metadata)).toEqual(metadata);
    writeSafetensors(second, read.entries, { metadata: read.metadata, order: "given" });
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
  });

  it("refuses two tensors of one name, and data that does not fill its shape", () => {
    const path = join(temporaryFolder(), "x.safetensors");
    const entry = { name: "w", shape: [3], data: new Float32Array(3) };
    expect(() => writeSafetensors(path, [entry, entry])).toThrow(/cannot both be called "w"/);
    expect(() => writeSafetensors(path, [{ ...entry, shape: [2, 2] }])).toThrow(/"w" \[2,2\] takes 16 bytes/);
    expect(() => writeSafetensors(path, [{ ...entry, dtype: "I64" }])).toThrow(/not stored as I64/);
    expect(() => readFileSync(path)).toThrow(/ENOENT/);
  });
});
