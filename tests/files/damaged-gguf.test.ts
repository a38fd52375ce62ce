import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openGguf } from "posttrain/files";
import { describe, expect, it } from "vitest";
import { fixture, temporaryFolder } from "./golden.js";

const folder = temporaryFolder();

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

interface Parts {
  magic?: string;
  version?: number;
  tensorCount?: number | bigint;
  metadataCount?: number | bigint;
  metadata?: Buffer[];
  tensors?: Buffer[];
}

/** A GGUF put together by hand, 256 bytes of data behind its header. */
function written({ magic = "GGUF", version = 3, metadata = [], tensors = [], ...counts }: Parts): string {
  const head = [
    Buffer.from(magic),
    u32(version),
    u64(counts.tensorCount ?? tensors.length),
    u64(counts.metadataCount ?? metadata.length),
  ];
  const path = join(folder, "damaged.gguf");
  writeFileSync(path, Buffer.concat([...head, ...metadata, ...tensors, Buffer.alloc(256)]));
  return path;
}

const alignment = (value: number) => Buffer.concat([text("general.alignment"), u32(4), u32(value)]);
const tensor = (name: string, shape: (number | bigint)[], type: number, offset: number | bigint) =>
  Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset)]);

/** An array inside an array inside an array …, each saying that it holds one. */
const nested = (depth: number) =>
  Buffer.concat([text("bomb"), u32(9), ...Array.from({ length: depth }, () => [u32(9), u64(1)]).flat()]);

describe("a GGUF file that lies", () => {
  it.each<[string, Parts, RegExp]>([
    ["another magic number", { magic: "GGML" }, /is not a GGUF file: it starts with "GGML"/],
    ["version 1", { version: 1 }, /is GGUF version 1/],
    ["a big-endian version", { version: 0x03000000 }, /little-endian/],
    ["2^60 metadata entries", { metadataCount: 2n ** 60n }, /the metadata count claims 1152921504606846976/],
    ["2^60 tensors", { tensorCount: 2n ** 60n }, /the tensor count is 1152921504606846976/],
    ["a key of 2^62 bytes", { metadata: [u64(2n ** 62n)] }, /the key of metadata entry 0 \(its length\)/],
    [
      "a string longer than the file",
      { metadata: [text("k"), u32(8), u64(5000)] },
      /metadata "k" \(its length\)/,
    ],
    [
      "an unknown value type",
      { metadata: [Buffer.concat([text("k"), u32(99)])] },
      /"k" has the unknown value type 99/,
    ],
    [
      "an array of 2^61 bytes",
      { metadata: [text("k"), u32(9), u32(0), u64(2n ** 61n)] },
      /"k" \(its length\) claims/,
    ],
    [
      "an array of an unknown type",
      { metadata: [text("k"), u32(9), u32(77), u64(1)] },
      /unknown value type 77/,
    ],
    ["arrays nested without end", { metadata: [nested(200)] }, /"bomb" nests arrays deeper than 4/],
    ["one key twice", { metadata: [alignment(32), alignment(32)] }, /"general.alignment" appears twice/],
    ["an alignment of 0", { metadata: [alignment(0)] }, /"general.alignment" is 0/],
    ["an alignment of 33", { metadata: [alignment(33)] }, /"general.alignment" is 33/],
    ["five axes", { tensors: [tensor("w", [1, 1, 1, 1, 1], 0, 0)] }, /number of axes of tensor "w" is 5/],
    [
      "four thousand million axes",
      { tensors: [text("w"), u32(2 ** 32 - 1)], tensorCount: 1 },
      /number of axes/,
    ],
    ["an axis of 2^63", { tensors: [tensor("w", [2n ** 63n], 0, 0)] }, /the shape of tensor "w"/],
    [
      "axes whose product overflows 64 bits",
      { tensors: [tensor("w", [2n ** 33n, 2n ** 33n], 0, 0)] },
      /the shape/,
    ],
    [
      "a row that is no whole number of blocks",
      { tensors: [tensor("w", [33], 3, 0)] },
      /rows of 33, not a multiple of Q4_1/,
    ],
    ["a tensor longer than the file", { tensors: [tensor("w", [1000], 0, 0)] }, /\[1000\] needs 4000 bytes/],
    [
      "an offset beyond the file",
      { tensors: [tensor("w", [4], 0, 2n ** 60n)] },
      /needs 16 bytes from 1152921504606846976/,
    ],
    ["an offset that is not aligned", { tensors: [tensor("w", [4], 0, 7)] }, /the offset of tensor "w" is 7/],
    [
      "two tensors in one place",
      { tensors: [tensor("v", [16], 0, 0), tensor("w", [4], 0, 32)] },
      /"w" overlaps tensor "v"/,
    ],
    [
      "one tensor twice",
      { tensors: [tensor("w", [4], 0, 0), tensor("w", [4], 0, 32)] },
      /tensor "w" appears twice/,
    ],
  ])("is refused with its name and the field: %s", (_, parts, message) => {
    const path = written(parts);
    expect(() => openGguf(path)).toThrow(message);
    expect(() => openGguf(path)).toThrow(path);
  });

  it.each<[string, Buffer[], RegExp]>([
    [
      "an array of 100 million bytes",
      [text("k"), u32(9), u32(0), u64(100_000_000)],
      /more than any model has/,
    ],
    ["a text of 100 million bytes", [text("k"), u32(8), u64(100_000_000)], /a text of 100000000 bytes/],
  ])("is refused even when the file is as long as it claims: %s", (_, metadata, message) => {
    const path = written({ metadata, metadataCount: 1 });
    truncateSync(path, 200_000_000); // a hole: it takes no room on disk
    expect(() => openGguf(path)).toThrow(message);
  });

  it("is refused at whatever byte it was cut", () => {
    const whole = readFileSync(fixture("types.gguf"));
    const path = join(folder, "cut.gguf");
    const { start, end } = lastTensor();
    for (let length = 0; length < end; length += length < start ? 1 : 11) {
      writeFileSync(path, whole.subarray(0, length));
      expect(() => openGguf(path), `cut at ${length}`).toThrow(/is damaged|is not a GGUF file/);
    }
  });

  it("gives numbers or a named error, never anything else, when any byte of its header is changed", () => {
    const whole = readFileSync(fixture("types.gguf"));
    const path = join(folder, "changed.gguf");
    for (let at = 0; at < lastTensor().start; at++) {
      for (const value of [0xff, (whole[at] ?? 0) ^ 0x80]) {
        const changed = Buffer.from(whole);
        changed[at] = value;
        writeFileSync(path, changed);
        expect(outcome(path), `byte ${at} as ${value}`).toMatch(/^(read|DataError)$/);
      }
    }
  });

  it("is not left open when it is refused", () => {
    const path = written({ metadata: [alignment(0)] });
    const openFiles = () => readdirSync("/proc/self/fd").length;
    const before = openFiles();
    for (let i = 0; i < 20; i++) expect(() => openGguf(path)).toThrow();
    expect(openFiles()).toBe(before);
  });

  it("is told from a missing file and from a folder", () => {
    expect(() => openGguf(join(folder, "nowhere"))).toThrow(/cannot open .*nowhere/);
    expect(() => openGguf(folder)).toThrow(/is not a file/);
  });
});

function lastTensor(): { start: number; end: number } {
  const file = openGguf(fixture("types.gguf"));
  file.close();
  const infos = [...file.tensors.values()];
  return {
    start: Math.min(...infos.map(({ offset }) => offset)),
    end: Math.max(...infos.map(({ offset, byteLength }) => offset + byteLength)),
  };
}

function outcome(path: string): string {
  try {
    const file = openGguf(path);
    for (const name of file.tensors.keys()) file.readBytes(name);
    file.close();
    return "read";
  } catch (error) {
    return error instanceof Error ? error.name : "nothing";
  }
}
