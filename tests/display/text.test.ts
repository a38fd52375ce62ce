import { describe, expect, it } from "vitest";
import { formatColumn, formatNumber } from "../../kernel-extensions/display/numbers.js";
import { clip, padEnd, padStart, textWidth } from "../../kernel-extensions/display/text-width.js";

describe("formatNumber", () => {
  it.each([
    [0, "0"],
    [12_345, "12345"],
    [0.6625, "0.6625"],
    [-1.2, "-1.200"],
    [123.456, "123.5"],
    [3e-5, "3e-5"],
    [1.234e-7, "1.23e-7"],
    [2.5e12, "2.5e+12"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "-∞"],
  ])("writes %s as %s", (value, text) => expect(formatNumber(value)).toBe(text));
});

describe("formatColumn", () => {
  it("gives a column one number of decimals, so that the points stand below each other", () =>
    expect(formatColumn([2.31234, 1.5, 10.25])).toEqual(["2.31", "1.50", "10.25"]));
  it("leaves whole numbers whole", () => expect(formatColumn([1, 20, 300])).toEqual(["1", "20", "300"]));
  it("writes learning rates with exponents", () =>
    expect(formatColumn([3e-4, 1e-6, 0])).toEqual(["3.00e-4", "1.00e-6", "0"]));
  it("keeps what is not finite readable", () =>
    expect(formatColumn([0.5, Number.NaN])).toEqual(["0.5000", "NaN"]));
});

describe("textWidth", () => {
  it.each([
    ["loss", 4],
    ["损失", 4],
    ["loss 损失", 9],
    ["，", 2],
    ["é", 1],
    ["🙂", 2],
    ["", 0],
  ])("counts the columns of %j", (text, width) => expect(textWidth(text)).toBe(width));

  it("pads by columns, not by characters", () => {
    expect(padEnd("损失", 6)).toBe("损失  ");
    expect(padStart("损失", 6)).toBe("  损失");
  });
  it("clips by columns and marks the cut", () => {
    expect(clip("损失函数", 8)).toBe("损失函数");
    expect(clip("损失函数", 7)).toBe("损失函…");
    expect(textWidth(clip("损失函数", 6))).toBeLessThanOrEqual(6);
  });
});
