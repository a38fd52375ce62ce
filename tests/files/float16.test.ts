import { join } from "node:path";
import { openSafetensors, writeSafetensors } from "posttrain/files";
import { describe, expect, it } from "vitest";
import { golden, temporaryFolder } from "./golden.js";

function stored(numbers: Float32Array, dtype: "F16" | "BF16"): Uint16Array {
  const path = join(temporaryFolder(), "x.safetensors");
  writeSafetensors(path, [{ name: "x", shape: [numbers.length], data: numbers }], { dtype });
  const file = openSafetensors(path);
  const bytes = Uint8Array.from(file.readBytes("x"));
  file.close();
  return new Uint16Array(bytes.buffer);
}

function readBack(words: Uint16Array, dtype: "F16" | "BF16"): Float32Array {
  const path = join(temporaryFolder(), "x.safetensors");
  writeSafetensors(path, [{ name: "x", shape: [words.length], data: new Uint8Array(words.buffer), dtype }]);
  const file = openSafetensors(path);
  const numbers = file.read("x");
  file.close();
  return numbers;
}

describe.each(["F16", "BF16"] as const)("%s", (dtype) => {
  it("rounds as PyTorch does: ties to even, subnormals, overflow, infinities", () => {
    const numbers = new Float32Array(Int32Array.from(golden.rounding.bits).buffer);
    expect([...new Int16Array(stored(numbers, dtype).buffer)]).toEqual(golden.rounding[dtype]);
  });

  it("comes back bit for bit from float32, all 65,536 words of it, NaNs too", () => {
    const words = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
    expect(stored(readBack(words, dtype), dtype)).toEqual(words);
  });

  it("keeps a NaN a NaN, even one whose payload does not fit", () => {
    const nan = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001, 0x7fc00000).buffer);
    expect([...readBack(stored(nan, dtype), dtype)].every(Number.isNaN)).toBe(true);
  });
});

it("F16 reads the values it is defined by", () => {
  const words = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00, 0x3555);
  const expected = [1, -2, 65504, 2 ** -14, 2 ** -24, -0, Number.POSITIVE_INFINITY, 0.333251953125];
  expect([...readBack(words, "F16")]).toEqual(expected);
});
