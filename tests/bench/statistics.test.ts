import { describe, expect, it } from "vitest";
import { largestDifference, quantile, relativeSpread, roundRatios, spread } from "../../bench/statistics.js";

describe("quantile", () => {
  it("interpolates between the values, in any order", () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([4, 1, 3, 2], 0.25)).toBe(1.75);
    expect(quantile([7], 0.9)).toBe(7);
  });

  it("leaves the sample as it was", () => {
    const sample = [3, 1, 2];
    quantile(sample, 0.5);
    expect(sample).toEqual([3, 1, 2]);
  });

  it("refuses an empty sample", () => {
    expect(() => quantile([], 0.5)).toThrow(/empty/);
  });
});

describe("spread", () => {
  it("is not moved by one outlier", () => {
    expect(spread([1, 1, 1, 1, 100])).toEqual({ median: 1, low: 1, high: 1 });
  });

  it("is told as a share of the median", () => {
    expect(relativeSpread({ median: 2, low: 1.5, high: 2.5 })).toBe(0.5);
  });
});

describe("roundRatios", () => {
  it("cancels what slows down both sides of a round", () => {
    expect(roundRatios([1, 10, 2], [2, 20, 4])).toEqual([0.5, 0.5, 0.5]);
  });

  it("refuses sides of different length", () => {
    expect(() => roundRatios([1], [1, 2])).toThrow(/1 rounds .* 2/);
  });
});

describe("largestDifference", () => {
  it("is the distance at the worst place", () => {
    expect(largestDifference([1, 2, 3], [1, 2.5, 2.75])).toBe(0.5);
    expect(largestDifference([], [])).toBe(0);
  });

  it("looks at the first numbers alone when told to", () => {
    expect(largestDifference([1, 2, 3], [1.25, 2, 9], 2)).toBe(0.25);
  });

  it("is infinite when something is missing or not a number", () => {
    expect(largestDifference([1, 2], [1], 1)).toBe(Number.POSITIVE_INFINITY);
    expect(largestDifference([1, Number.NaN], [1, 2], 1)).toBe(Number.POSITIVE_INFINITY);
    expect(largestDifference([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
    expect(largestDifference([Number.NaN], [1])).toBe(Number.POSITIVE_INFINITY);
  });
});
