import { Random } from "posttrain/backend";
import { neftuneNoise } from "posttrain/sft";
import { collate } from "posttrain/training";
import { describe, expect, it } from "vitest";

const rows = [
  {
    tokenIds: new Array(20).fill(3),
    mask: new Array(20).fill(1),
    segments: [...new Array(4).fill(1), ...new Array(16).fill(2)],
    examples: [0, 1],
  },
  {
    tokenIds: new Array(9).fill(3),
    mask: new Array(9).fill(1),
    segments: new Array(9).fill(1),
    examples: [2],
  },
];
const batch = collate(rows, { rows: 2, maxLength: 64, padTokenId: 0 });
const [width, alpha] = [50, 5];
const noise = neftuneNoise(batch, width, alpha, new Random(1));
const part = (row: number, start: number, end: number): number[] => [
  ...noise.slice((row * batch.time + start) * width, (row * batch.time + end) * width),
];

describe("neftuneNoise", () => {
  it.each([
    ["the first of a packed row", part(0, 0, 4), 4],
    ["the second of a packed row", part(0, 4, 20), 16],
    ["an example alone", part(1, 0, 9), 9],
  ])("is uniform within α/√(L·d), with L of the example alone: %s", (_, values, length) => {
    const bound = alpha / Math.sqrt(length * width);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(0.95 * bound);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.15 * bound);
    expect(square / bound ** 2).toBeGreaterThan(0.25); // a third for a uniform distribution
    expect(square / bound ** 2).toBeLessThan(0.42);
  });

  it("leaves padding alone", () => {
    expect(part(0, 20, batch.time).every((value) => value === 0)).toBe(true);
    expect(part(1, 9, batch.time).every((value) => value === 0)).toBe(true);
  });

  it("follows from the seed", () => {
    expect(neftuneNoise(batch, width, alpha, new Random(1))).toEqual(noise);
    expect(neftuneNoise(batch, width, alpha, new Random(2))).not.toEqual(noise);
  });
});
