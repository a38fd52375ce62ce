import { describe, expect, it } from "vitest";
import { growthFigure } from "../../bench/growth.js";
import { duration, reportMarkdown } from "../../bench/markdown.js";
import { finding, ratiosFigure } from "../../bench/picture.js";
import { versionsOf } from "../../bench/report.js";
import { caseLines } from "../../bench/terminal.js";
import { caseOf, reportOf, side } from "./results.js";

const markdown = (...cases: Parameters<typeof caseOf>[]): string =>
  reportMarkdown(reportOf({ cases: cases.map((parts) => caseOf(...parts)) }));

describe("reportMarkdown", () => {
  it("says whether a target was reached", () => {
    expect(markdown([[side("compiled", 0.9, { target: 1 })]])).toContain("| 0.90 (0.90–0.90) | ≤ 1 ✓ |");
    expect(markdown([[side("compiled", 1.1, { target: 1 })]])).toContain("≤ 1 ✗");
  });

  it("judges nothing that is in doubt, and says why", () => {
    const text = markdown([[side("compiled", 0.9, { target: 1 })], { doubts: ["only 3 rounds"] }]);
    expect(text).toContain("≤ 1 ?");
    expect(text).toContain("- tiny-step: only 3 rounds.");
  });

  it("accuses a side that computed something else", () => {
    const text = markdown([[side("eager", 1, { sameWork: false, largestDifference: 0.03 })]]);
    expect(text).toContain("eager did not compute what PyTorch did (apart by 3e-2)");
  });

  it("explains a missed target, and what has none, but not a target that was reached", () => {
    const note = "the disk is slow";
    const explained = (seconds: number, target?: number) =>
      markdown([[side("compiled", seconds, { target })], { note }]).includes(`- tiny-step: ${note}`);
    expect([explained(1.1, 1), explained(0.9, 1), explained(0.9)]).toEqual([true, false, true]);
  });

  it("lists the cases that failed with the last line of what they said", () => {
    const failed = [{ name: "load", title: "load", error: "PyTorch ended early:\nMemoryError" }];
    expect(reportMarkdown(reportOf({ failed }))).toContain("- load failed: MemoryError");
  });

  it("has one row a side, all of the same width", () => {
    const rows = markdown([[side("compiled", 1), side("wasm", 6)]])
      .split("\n")
      .filter((line) => line.startsWith("|"));
    expect(rows).toHaveLength(5);
    expect(new Set(rows.map((row) => row.split("|").length)).size).toBe(1);
  });

  it("warns of nothing when there is nothing to warn of", () => {
    expect(markdown([[side("compiled", 1)]])).not.toContain("Not to be trusted");
  });
});

describe("duration", () => {
  it("chooses a unit that reads well", () => {
    expect([0.0642, 0.9, 1.5, 15].map(duration)).toEqual(["64.2 ms", "900 ms", "1.50 s", "15.0 s"]);
  });
});

describe("caseLines", () => {
  it("has a line a side with the first and last outcome", () => {
    const lines = caseLines(caseOf([side("compiled", 0.5)]));
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/compiled +500 ms +× 0\.50 .* 2 → 1$/);
  });
});

describe("the picture", () => {
  it("has a dot for the time and the memory of every side but the reference", () => {
    const figure = ratiosFigure([
      caseOf([side("compiled", 0.5), side("wasm", 6, { memoryRatio: 0.4 })]),
      caseOf([side("compiled", 0.8)], { title: "load" }),
    ]);
    expect(figure.data.map(({ name, x, y }) => [name, x, y])).toEqual([
      ["compiled", [0.5, 0.8], ["a step", "load"]],
      ["compiled", [0.5, 0.8], ["a step", "load"]],
      ["wasm", [6], ["a step"]],
      ["wasm", [0.4], ["a step"]],
    ]);
  });

  it("counts in its title only what can be trusted", () => {
    const doubtful = caseOf([side("compiled", 0.5, { target: 1 })], { doubts: ["only 3 rounds"] });
    expect(finding([caseOf([side("compiled", 0.9, { target: 1 })]), doubtful])).toContain("in 1 of 1 cases");
    expect(finding([doubtful])).toContain("too busy");
  });
});

describe("versionsOf", () => {
  it("gathers what all sides say, the first one's word counting most", () => {
    const first = side("compiled", 1, { versions: { backend: "native" } });
    const last = side("wasm", 1, { versions: { backend: "wasm" } });
    expect(versionsOf([caseOf([first, last])])).toEqual({ backend: "native", PyTorch: "1.0" });
  });
});

describe("the growth", () => {
  const point = (value: number, ours: number, along = "rank") =>
    caseOf([side("compiled", ours)], { growth: [{ along, value }] });

  it("has a line for each side, in the order of what grows", () => {
    const figure = growthFigure([point(64, 3), point(1, 1), point(8, 2)]);
    expect(figure?.data.map(({ name, x, y }) => [name, x, y])).toEqual([
      ["ours, compiled", [1, 8, 64], [1000, 2000, 3000]],
      ["PyTorch", [1, 8, 64], [1000, 1000, 1000]],
    ]);
  });

  it("leaves out what was measured once", () => {
    expect(growthFigure([point(1, 1), point(2, 1, "rows")])).toBeUndefined();
  });

  it("states what the last point costs of the first", () => {
    const annotations = growthFigure([point(1, 1), point(8, 2)])?.layout.annotations;
    expect(JSON.stringify(annotations)).toContain("8 × the rank: 2.0 × the time,<br>PyTorch 1.0 ×");
  });
});

describe("a case's note", () => {
  const note = "the graph is traced first";
  it("is told where the target is missed", () => {
    expect(markdown([[side("compiled", 1.1, { target: 1 })], { note }])).toContain(`- tiny-step: ${note}`);
  });

  it("is told where the memory is above PyTorch's", () => {
    const heavy = side("compiled", 0.5, { target: 1, memoryRatio: 1.2 });
    expect(markdown([[heavy], { note }])).toContain(note);
  });

  it("is kept to itself where both targets are reached", () => {
    expect(markdown([[side("compiled", 0.9, { target: 1 })], { note }])).not.toContain(note);
  });
});
