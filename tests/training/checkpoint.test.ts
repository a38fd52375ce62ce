import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { tf, useBackend } from "posttrain/backend";
import { AdamW, CheckpointError, checkpointsIn, loadCheckpoint, saveCheckpoint } from "posttrain/training";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { savedModel, savedState } from "./checkpoint-child.js";

beforeAll(async () => {
  await useBackend();
});

let folder: string;
let model: ReturnType<typeof savedModel>;
let optimizer: AdamW;
beforeEach(() => {
  tf.disposeVariables();
  folder = mkdtempSync(join(tmpdir(), "posttrain-checkpoint-"));
  model = savedModel();
  optimizer = new AdamW(model.parameters());
});

const child = fileURLToPath(new URL("./checkpoint-child.ts", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const save = (step: number) => saveCheckpoint(folder, { model, optimizer, state: savedState(step) });
const load = () => loadCheckpoint(folder, { model, optimizer });

describe("a checkpoint", () => {
  it("brings back weights, moments and state exactly", async () => {
    const gradients = Object.fromEntries(
      model.parameters().map(({ name, variable }) => [name, tf.clone(variable)]),
    );
    optimizer.step(gradients, 0.1);
    const numbers = () =>
      [...model.parameters().map(({ variable }) => variable), ...Object.values(optimizer.state())].map(
        (tensor) => [...tensor.dataSync()],
      );
    const before = numbers();
    await save(3);

    model = savedModel(2);
    optimizer = new AdamW(model.parameters());
    expect(numbers()).not.toEqual(before);
    const tensors = tf.memory().numTensors;
    expect(await load()).toEqual(savedState(3));
    expect(numbers()).toEqual(before);
    expect(optimizer.updates).toBe(savedState(3).updates);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it("is the latest of its folder, by number and not by name", async () => {
    for (const step of [9, 10]) await save(step);
    expect((await load()).step).toBe(10);
    expect(await checkpointsIn(folder)).toEqual([
      join(folder, "checkpoint-9"),
      join(folder, "checkpoint-10"),
    ]);
  });

  it("makes room for itself among the earlier ones only, whatever another run has left in the folder", async () => {
    for (const step of [8, 9, 1, 2, 3]) await save(step);
    expect(readdirSync(folder)).toEqual(["checkpoint-2", "checkpoint-3", "checkpoint-8", "checkpoint-9"]);
  });

  it("is found where a kill left it between the two renames that replace it", async () => {
    await save(4);
    renameSync(join(folder, "checkpoint-4"), join(folder, "checkpoint-4.replaced"));
    cpSync(join(folder, "checkpoint-4.replaced"), join(folder, "checkpoint-4.partial"), { recursive: true });
    expect((await load()).step).toBe(4);
    await save(4);
    expect(readdirSync(folder)).toEqual(["checkpoint-4"]);
  });

  it("does not count what a kill left half-written", async () => {
    await save(1);
    mkdirSync(join(folder, "checkpoint-2.partial"));
    writeFileSync(join(folder, "checkpoint-2.partial", "model.safetensors"), "half");
    expect((await load()).step).toBe(1);
  });

  it("is refused with its file's name when it is damaged, and the model stays as it was", async () => {
    await save(1);
    const weight = () => [...(model.parameters()[0]?.variable.dataSync() ?? [])];
    tf.tidy(() =>
      model.parameters()[0]?.variable.assign(tf.ones(model.parameters()[0]?.variable.shape ?? [])),
    );
    const before = weight();
    truncateSync(join(folder, "checkpoint-1", "optimizer.safetensors"), 500);
    await expect(load()).rejects.toThrow(CheckpointError);
    await expect(load()).rejects.toThrow(/optimizer\.safetensors/);
    expect(weight()).toEqual(before);
  });

  it("is refused when it is of another model, naming the tensor", async () => {
    await save(1);
    model = savedModel(1, 40);
    optimizer = new AdamW(model.parameters());
    await expect(load()).rejects.toThrow(/model\.safetensors has model\.embed_tokens\.weight of shape/);
  });

  it("is refused when its state makes no sense", async () => {
    await save(1);
    writeFileSync(join(folder, "checkpoint-1", "state.json"), '{"step": -1}');
    await expect(load()).rejects.toThrow(/cannot resume from/);
  });
});

describe("a process that saves", () => {
  it("leaves a complete checkpoint when it is killed, whenever that is", async () => {
    const killedAfter = async (milliseconds: number): Promise<string> => {
      const own = join(folder, String(milliseconds));
      const saving = spawn(process.execPath, ["--import", "tsx", child, own], { cwd: root });
      await firstLine(saving); // it has saved once and goes on saving
      await setTimeout(milliseconds);
      saving.kill("SIGKILL");
      await new Promise((resolve) => saving.once("exit", resolve));
      return own;
    };
    for (const own of await Promise.all([0, 9, 25].map(killedAfter))) {
      expect((await loadCheckpoint(own, { model, optimizer })).step).toBeGreaterThanOrEqual(1);
    }
  });

  it("leaves the last checkpoint when the disk is full, and says so", async () => {
    await save(0);
    // A limit on the size of files fails a write in the middle, as a full disk does.
    const script = `ulimit -f 64; exec "${process.execPath}" --import tsx "${child}" "${folder}" once`;
    const failed = await promisify(execFile)("bash", ["-c", script], { cwd: root }).catch((error) => error);
    expect(failed.stderr).toContain("CheckpointError");
    expect(failed.stderr).toMatch(/was not saved: there is no room/);
    expect(readdirSync(folder)).toEqual(["checkpoint-0"]);
    expect((await load()).step).toBe(0);
    expect(existsSync(join(folder, "checkpoint-1.partial"))).toBe(false);
  });
});

async function firstLine(process: ChildProcess): Promise<void> {
  let errors = "";
  process.stderr?.on("data", (chunk) => {
    errors += chunk;
  });
  await new Promise<void>((resolve, reject) => {
    process.stdout?.once("data", () => resolve());
    process.once("exit", (code) => reject(new Error(`the child ended with ${code}: ${errors}`)));
  });
}
