import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSafetensors } from "posttrain/files";
import { describe, expect, it } from "vitest";
import { fixture, temporaryFolder } from "./golden.js";

const folder = temporaryFolder();

/** A file with this header in front of this many bytes of data. */
function written(header: unknown, dataBytes = 16, headerLength?: bigint): string {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(headerLength ?? BigInt(json.length));
  const path = join(folder, "damaged.safetensors");
  writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
  return path;
}

const tensor = (overrides: object = {}) => ({
  dtype: "F32",
  shape: [4],
  data_offsets: [0, 16],
  ...overrides,
});

describe("a safetensors file that lies", () => {
  it.each([
    ["a header of 2^60 bytes", "{}", 2n ** 60n, /the header length is 1152921504606846976/],
    ["a header of 2^64 − 1 bytes", "{}", 2n ** 64n - 1n, /the header length/],
    ["a header one byte longer than the file", { w: tensor() }, 2000n, /the header length/],
    ["a header cut in the middle", { w: tensor() }, 20n, /the header is not JSON/],
    ["a header that is no object", "[1, 2]", undefined, /the header is wrong/],
    ["a header of nested arrays only", "[".repeat(200_000), undefined, /the header is not JSON/],
    [
      "metadata that is not text",
      { __metadata__: { step: 3 }, w: tensor() },
      undefined,
      /"__metadata__", step,/,
    ],
    ["a missing shape", { w: { dtype: "F32", data_offsets: [0, 16] } }, undefined, /tensor "w", shape,/],
    ["a negative axis", { w: tensor({ shape: [-4] }) }, undefined, /tensor "w", shape\.0,/],
    ["a fractional axis", { w: tensor({ shape: [2.5] }) }, undefined, /tensor "w", shape\.0,/],
    [
      "an axis that is NaN",
      '{"w":{"dtype":"F32","shape":[NaN],"data_offsets":[0,16]}}',
      undefined,
      /not JSON/,
    ],
    ["an axis that is null", { w: tensor({ shape: [null] }) }, undefined, /tensor "w", shape\.0,/],
    ["an axis beyond 2^53", { w: tensor({ shape: [2 ** 60] }) }, undefined, /tensor "w", shape\.0,/],
    [
      "axes whose product overflows",
      { w: tensor({ shape: [2 ** 50, 2 ** 50] }) },
      undefined,
      /takes .* bytes/,
    ],
    ["an unknown dtype", { w: tensor({ dtype: "F12" }) }, undefined, /tensor "w" has the unknown dtype F12/],
    [
      "a dtype of another size",
      { w: tensor({ dtype: "F16" }) },
      undefined,
      /takes 8 bytes, its data_offsets span 16/,
    ],
    [
      "offsets the wrong way round",
      { w: tensor({ data_offsets: [16, 0] }) },
      undefined,
      /data_offsets span -16/,
    ],
    ["offsets beyond the end", { w: tensor({ data_offsets: [16, 32] }) }, undefined, /"w" ends at byte/],
    ["two tensors in one place", { v: tensor(), w: tensor() }, undefined, /tensor "w" overlaps tensor "v"/],
    [
      "bytes that belong to no tensor",
      { w: tensor({ shape: [3], data_offsets: [0, 12] }) },
      undefined,
      /the data are 16/,
    ],
    [
      "one name twice",
      `{"w":${JSON.stringify(tensor())},"w":${JSON.stringify(tensor())}}`,
      undefined,
      /"w" appears twice/,
    ],
  ])("is refused with its name and the field: %s", (_, header, length, message) => {
    const path = written(header, 16, length);
    expect(() => openSafetensors(path)).toThrow(message);
    expect(() => openSafetensors(path)).toThrow(path);
  });

  it("is refused at whatever byte it was cut", () => {
    const whole = readFileSync(fixture("f32.safetensors"));
    const path = join(folder, "cut.safetensors");
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      expect(() => openSafetensors(path), `cut at ${length}`).toThrow(/is damaged/);
    }
  });

  it("gives numbers or a named error, never anything else, when any byte of its header is flipped", () => {
    const whole = readFileSync(fixture("mixed.safetensors"));
    const headerEnd = 8 + Number(whole.readBigUInt64LE());
    const path = join(folder, "flipped.safetensors");
    for (let at = 0; at < headerEnd; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(path, flipped);
      expect(outcome(path), `byte ${at}`).toMatch(/^(read|DataError)$/);
    }
  });

  it("is refused when it shrinks while it is open", () => {
    const path = written({ w: tensor() });
    const file = openSafetensors(path);
    truncateSync(path, 60);
    expect(() => file.read("w")).toThrow(/tensor "w" ends early/);
    file.close();
  });

  it("is told from a missing file and from a folder", () => {
    expect(() => openSafetensors(join(folder, "nowhere"))).toThrow(/cannot open .*nowhere/);
    expect(() => openSafetensors(folder)).toThrow(/is not a file/);
  });
});

function outcome(path: string): string {
  try {
    const file = openSafetensors(path);
    for (const name of file.tensors.keys()) file.readBytes(name);
    file.close();
    return "read";
  } catch (error) {
    return error instanceof Error ? error.name : "nothing";
  }
}
