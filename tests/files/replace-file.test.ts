import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "posttrain/errors";
import { replaceFile, writeSafetensors } from "posttrain/files";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./golden.js";

/** Lets no file of this process grow beyond so many bytes, as a full disk would not, while `action` runs. */
function withDiskFullAt(bytes: number, action: () => void): void {
  const limit = (value: string) =>
    execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${value}:`]);
  limit(String(bytes));
  try {
    action();
  } finally {
    limit("unlimited");
  }
}

describe("replaceFile", () => {
  it("makes the folders that are missing and leaves nothing else behind", () => {
    const folder = temporaryFolder();
    replaceFile(join(folder, "a/b/c.txt"), "hello");
    expect(readFileSync(join(folder, "a/b/c.txt"), "utf8")).toBe("hello");
    expect(readdirSync(join(folder, "a/b"))).toEqual(["c.txt"]);
  });

  it("leaves the old file as it was when the disk fills up, and says so", () => {
    const folder = temporaryFolder();
    const path = join(folder, "model.safetensors");
    const weights = (value: number) => [
      { name: "w", shape: [50_000], data: new Float32Array(50_000).fill(value) },
    ];
    writeSafetensors(path, weights(1));
    const before = readFileSync(path);
    let thrown: unknown;
    withDiskFullAt(65_536, () => {
      try {
        writeSafetensors(path, weights(2));
      } catch (error) {
        thrown = error;
      }
    });
    expect(thrown).toBeInstanceOf(DataError);
    expect(thrown).toMatchObject({ code: "files/disk-full", value: path });
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(folder)).toEqual(["model.safetensors"]);
  });

  it("leaves the old file as it was when the content fails halfway", () => {
    const folder = temporaryFolder();
    const path = join(folder, "x");
    replaceFile(path, "old");
    const failing = function* () {
      yield Buffer.from("new");
      throw new RangeError("no more");
    };
    expect(() => replaceFile(path, failing())).toThrow(RangeError);
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(folder)).toEqual(["x"]);
  });

  it("says why when it cannot write at all", () => {
    const folder = temporaryFolder();
    replaceFile(join(folder, "file"), "");
    expect(() => replaceFile(join(folder, "file/below"), "")).toThrow(/cannot write .*below/);
  });
});
