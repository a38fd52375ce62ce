import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run, SetupError } from "../../scripts/setup/run.mjs";
import { fingerprint, isStamped, makeWhole, stamp } from "../../scripts/setup/stamp.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "posttrain-setup-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("makeWhole", () => {
  it("shows a folder only when it is complete", async () => {
    const target = path.join(folder, "model");
    await makeWhole(target, async (temporary) => {
      writeFileSync(path.join(temporary, "weights"), "whole");
      expect(existsSync(target)).toBe(false);
    });
    expect(readdirSync(folder)).toEqual(["model"]);
  });

  it("leaves the old folder and nothing half-made when filling it fails", async () => {
    const target = path.join(folder, "model");
    mkdirSync(target);
    writeFileSync(path.join(target, "weights"), "old");
    const failing = makeWhole(target, async (temporary) => {
      writeFileSync(path.join(temporary, "weights"), "half");
      throw new Error("the connection broke");
    });
    await expect(failing).rejects.toThrow("the connection broke");
    expect(readdirSync(folder)).toEqual(["model"]);
    expect(readdirSync(target)).toEqual(["weights"]);
  });
});

describe("a stamp", () => {
  it("is trusted only for the fingerprint that it was made with", () => {
    expect(isStamped(folder, fingerprint("a"))).toBe(false);
    stamp(folder, fingerprint("a"));
    expect(isStamped(folder, fingerprint("a"))).toBe(true);
    expect(isStamped(folder, fingerprint("b"))).toBe(false);
  });

  it("keeps apart inputs whose concatenation is equal", () => {
    expect(fingerprint("ab", "c")).not.toBe(fingerprint("a", "bc"));
  });
});

describe("run", () => {
  it("fails with the last lines of the output and the hint", async () => {
    const failing = run(process.execPath, ["-e", "console.error('no space left'); process.exit(3)"], {
      hint: "free some",
    });
    await expect(failing).rejects.toSatisfy(
      (error) =>
        error instanceof SetupError &&
        /ended with 3\nno space left/.test(error.message) &&
        error.hint === "free some",
    );
  });
});

describe("the wheel extractor", () => {
  const extractor = path.join(root, "scripts/setup/extract_wheel.py");

  it("refuses a member that would leave the folder", () => {
    const archive = path.join(folder, "evil.zip");
    const script = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w').writestr('../outside', 'x')";
    execFileSync("python3", ["-c", script, archive]);
    const inside = path.join(folder, "inside");
    mkdirSync(inside);
    const { status, stderr } = spawnSync("python3", [extractor, archive, "().*", inside], {
      encoding: "utf8",
    });
    expect(status).not.toBe(0);
    expect(stderr).toContain("would leave");
    expect(existsSync(path.join(folder, "outside"))).toBe(false);
  });
});

describe("setup on a machine that lacks something", () => {
  /** Runs the bootstrap with a PATH that holds nothing but the given programs. */
  function setUpWith(programs: Record<string, string>) {
    const bin = path.join(folder, "bin");
    mkdirSync(bin);
    for (const [name, target] of Object.entries(programs)) symlinkSync(target, path.join(bin, name));
    return spawnSync(process.execPath, [path.join(root, "scripts/setup.mjs")], {
      encoding: "utf8",
      env: { PATH: bin },
    });
  }

  it("says that Python is missing and how to get it", () => {
    const { status, stderr } = setUpWith({});
    expect(status).toBe(1);
    expect(stderr).toContain("Python is missing");
    expect(stderr).toMatch(/→ Install Python 3\.10 or newer/);
  });
});
