import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
