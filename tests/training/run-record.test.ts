import { spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RunRecord } from "posttrain/training";
import { beforeEach, describe, expect, it } from "vitest";

let file: string;
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), "posttrain-record-")), "runs", "first.jsonl");
});

const step = (number: number, metrics: Record<string, number>) => ({
  step: number,
  epoch: number / 10,
  metrics,
});

describe("RunRecord", () => {
  it("becomes a table with a column for every metric", () => {
    const run = new RunRecord();
    run.record(step(1, { loss: 2 }));
    run.record(step(2, { loss: 1.5, eval_loss: 1.7 }));
    expect(run.table().objects()).toEqual([
      { step: 1, epoch: 0.1, loss: 2, eval_loss: null },
      { step: 2, epoch: 0.2, loss: 1.5, eval_loss: 1.7 },
    ]);
  });

  it("keeps the epoch of a step whose metrics do not repeat it", () => {
    const run = new RunRecord();
    run.record({ step: 0, epoch: 0, metrics: { eval_loss: 3 } });
    run.record({ step: 1, epoch: 0.5, metrics: { loss: 2, epoch: 0.5 } });
    expect(run.table().array("epoch")).toEqual([0, 0.5]);
  });

  it("is the same table after it was written and read again", () => {
    const run = new RunRecord({ file });
    for (let i = 1; i <= 3; i++) run.record(step(i, { loss: 1 / i }));
    expect(new RunRecord({ file }).table().objects()).toEqual(run.table().objects());
    expect(readFileSync(file, "utf8").split("\n")).toHaveLength(4);
  });

  it("drops a last line that a kill cut short and goes on after it", () => {
    new RunRecord({ file }).record(step(1, { loss: 3 }));
    appendFileSync(file, '{"step":2,"epoch":0.2,"metr');
    const run = new RunRecord({ file });
    expect(run.length).toBe(1);
    run.record(step(2, { loss: 2 }));
    expect(new RunRecord({ file }).table().array("loss")).toEqual([3, 2]);
  });

  it("lets a resumed run take the place of the steps after its checkpoint", () => {
    const run = new RunRecord({ file });
    for (let i = 1; i <= 4; i++) run.record(step(i, { loss: i }));
    const resumed = new RunRecord({ file });
    resumed.record(step(3, { loss: 30 }));
    expect(resumed.table().array("loss")).toEqual([1, 2, 30]);
    expect(new RunRecord({ file }).table().array("loss")).toEqual([1, 2, 30]);
  });

  it("keeps a readable file when the disk is full, and says so", () => {
    // A limit on the size of files fails a write in the middle, as a full disk does.
    const child = fileURLToPath(new URL("run-record-child.ts", import.meta.url));
    const script = `ulimit -f 64; exec "${process.execPath}" --import tsx "${child}" "${file}"`;
    const { stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    expect(stderr).toMatch(/DataError: a step was not recorded in .*first.jsonl/);
    const { length } = new RunRecord({ file });
    expect(length).toBeGreaterThan(10);
    expect(statSync(file).size).toBe(readFileSync(file, "utf8").lastIndexOf("\n") + 1);
    new RunRecord({ file }).record(step(length + 1, { loss: 1 }));
    expect(new RunRecord({ file }).length).toBe(length + 1);
  });

  it("keeps NaN and infinity as missing values", () => {
    const run = new RunRecord({ file });
    run.record(step(1, { loss: Number.NaN, grad_norm: Number.POSITIVE_INFINITY }));
    expect(new RunRecord({ file }).table().objects()).toEqual([
      { step: 1, epoch: 0.1, loss: null, grad_norm: null },
    ]);
  });

  it("refuses a file that is no record, naming file and line", () => {
    new RunRecord({ file }).record(step(1, { loss: 3 }));
    appendFileSync(file, '{"step":"two"}\n');
    expect(() => new RunRecord({ file })).toThrow(`${file}:2`);
  });

  it("is empty for an empty file", () => {
    new RunRecord({ file }).record(step(1, {}));
    writeFileSync(file, "");
    expect(new RunRecord({ file }).table().numRows()).toBe(0);
  });

  it("shows its last steps in a notebook", () => {
    const run = new RunRecord();
    for (let i = 1; i <= 12; i++) run.record(step(i, { loss: i + 0.25 }));
    const bundle = run[Symbol.for("Jupyter.display") as never] as unknown as () => Record<string, string>;
    const shown = bundle.call(run);
    expect(shown["text/html"]).toContain("<table");
    expect(shown["text/plain"]).toContain("12.25");
    expect(shown["text/plain"]).not.toContain("2.25 |\n| 3");
    expect(shown["text/plain"]).toContain("12 steps recorded");
  });
});
