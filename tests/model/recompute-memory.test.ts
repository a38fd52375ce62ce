import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { hasNative } from "../backend/compile/native.js";

const child = fileURLToPath(new URL("./recompute-child.ts", import.meta.url));

/** The most memory that a process of its own held, in MB. */
const peakOf = (how: "plain" | "checkpointed"): number =>
  Number(execFileSync(process.execPath, ["--import", "tsx", child, how], { encoding: "utf8" }));

// 24 layers of 2 × 4 × 512 × 512 attention weights alone are 200 MB.
describe.skipIf(!hasNative || !existsSync("/proc/self/status"))("gradient checkpointing", () => {
  it("keeps the blocks' inner values out of memory, also where TensorFlow sees the whole step as one graph", () => {
    const saved = peakOf("plain") - peakOf("checkpointed");
    expect(saved).toBeGreaterThan(100);
  });
});
