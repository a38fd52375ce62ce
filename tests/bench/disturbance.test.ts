import { describe, expect, it } from "vitest";
import { doubts } from "../../bench/doubts.js";
import { disturbance, parseCpuLine, processorTime } from "../../bench/processor-time.js";

const still = { others: 0, stolen: 0, load: 2 };
const narrow = { median: 1, low: 0.98, high: 1.02 };

describe("disturbance", () => {
  it("is what remains of the processor's time after our own, idle and stolen time", () => {
    const before = { total: 1000, idle: 100, stolen: 10, own: 500 };
    const after = { total: 1200, idle: 120, stolen: 20, own: 600 };
    const { others, stolen } = disturbance(before, after); // 200 = 20 idle + 10 stolen + 100 own + 70 others
    expect(others).toBeCloseTo(0.35);
    expect(stolen).toBeCloseTo(0.05);
  });

  it("reads the kernel's line, whether or not it has fields for guests", () => {
    expect(parseCpuLine("cpu  1 2 3 40 5 6 7 8 0 0")).toEqual({ total: 72, idle: 45, stolen: 8 });
  });

  it("finds the time of this process on Linux", () => {
    if (process.platform !== "linux") return;
    expect(processorTime([process.pid])?.own).toBeGreaterThan(0);
    expect(processorTime([2 ** 30])).toBeUndefined();
  });
});

describe("doubts", () => {
  it("has none about a quiet machine and figures that agree", () => {
    expect(doubts(narrow, 8, still)).toEqual([]);
    expect(doubts(narrow, 8, undefined)).toEqual([]);
  });

  it("names each of its reasons", () => {
    const found = doubts({ median: 1, low: 0.8, high: 1.2 }, 3, { others: 0.31, stolen: 0.1, load: 9 });
    expect(found).toEqual([
      "other processes took 31 % of the machine",
      "the host took 10 % of the machine",
      "the middle half of the ratios spreads over 40 %",
      "only 3 rounds",
    ]);
  });
});
