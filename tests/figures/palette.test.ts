import { describe, expect, it } from "vitest";
import {
  colourAt,
  colourOf,
  DIVERGING,
  dashOf,
  PALETTE,
  readableOn,
  SEQUENTIAL,
} from "../../src/figures/palette.js";

const channels = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
const linear = (hex: string) =>
  channels(hex).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));

function contrastOnWhite(hex: string): number {
  const [r = 0, g = 0, b = 0] = linear(hex);
  return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05);
}

/** Linear RGB as a colour-blind reader sees it; matrices of Machado, Oliveira & Fernandes 2009 at full severity. */
const BLIND: Record<string, number[][]> = {
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
};

const seenBy = (matrix: number[][], hex: string) =>
  matrix
    .map((row) => row.reduce((sum, weight, i) => sum + weight * (linear(hex)[i] ?? 0), 0))
    .map((c) => Math.max(0, c) ** (1 / 2.2));

describe("the palette", () => {
  it.each(PALETTE.slice(0, 5))("%s stands out on white at least 3 : 1", (colour) =>
    expect(contrastOnWhite(colour)).toBeGreaterThan(3));
  it.each(Object.entries(BLIND))("has colours that readers with %s can tell apart", (_, matrix) => {
    for (const [i, one] of PALETTE.entries())
      for (const other of PALETTE.slice(i + 1)) {
        const [a, b] = [seenBy(matrix, one), seenBy(matrix, other)];
        expect(Math.hypot(...a.map((c, k) => c - (b[k] ?? 0))), `${one} and ${other}`).toBeGreaterThan(0.12);
      }
  });
  it("starts again after the last colour, with another dash", () => {
    expect(colourOf(PALETTE.length)).toBe(colourOf(0));
    expect(dashOf(PALETTE.length)).not.toBe(dashOf(0));
  });
});

describe("colourAt", () => {
  it("is exact at the stops and between them", () => {
    expect(colourAt(SEQUENTIAL, 0)).toBe("rgb(255, 255, 255)");
    expect(colourAt(SEQUENTIAL, 1)).toBe("rgb(8, 48, 107)");
    expect(colourAt(DIVERGING, 0.5)).toBe("rgb(255, 255, 255)");
    expect(
      colourAt(
        [
          [0, "#000000"],
          [1, "#646464"],
        ],
        0.5,
      ),
    ).toBe("rgb(50, 50, 50)");
  });
  it("holds at the ends", () => expect(colourAt(SEQUENTIAL, 7)).toBe(colourAt(SEQUENTIAL, 1)));
  it("gets text on it that can be read", () => {
    expect(readableOn(colourAt(SEQUENTIAL, 0))).toBe("#222222");
    expect(readableOn(colourAt(SEQUENTIAL, 1))).toBe("#ffffff");
  });
});
