import { describe, expect, it } from "vitest";
import { duration, reportMarkdown } from "../../bench/markdown.js";
import { finding, ratiosFigure } from "../../bench/picture.js";
import { pins } from "../../bench/reference-environment.js";
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
    const doubtful = caseOf([side("compiled", 0.5)], { doubts: ["only 3 rounds"] });
    expect(finding([caseOf([side("compiled", 0.9)]), doubtful])).toContain("in 1 of 1 cases");
    expect(finding([doubtful])).toContain("too busy");
  });
});

describe("the reference's requirements", () => {
  it("are names and versions", () => {
    expect([...pins("torch==2.9.1\n# comment\npeft==0.21.2\n")]).toEqual([
      ["torch", "2.9.1"],
      ["peft", "0.21.2"],
    ]);
  });
});

describe("versionsOf", () => {
  it("gathers what all sides say, the first one's word counting most", () => {
    const first = side("compiled", 1, { versions: { backend: "native" } });
    const last = side("wasm", 1, { versions: { backend: "wasm" } });
    expect(versionsOf([caseOf([first, last])])).toEqual({ backend: "native", PyTorch: "1.0" });
  });
});
