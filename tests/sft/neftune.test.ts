import { randomKey, tf, useBackend } from "posttrain/backend";
import { exampleLengths, neftuneNoise } from "posttrain/sft";
import { collate } from "posttrain/training";
import { beforeAll, describe, expect, it } from "vitest";

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
const draw = (seed: number, counter = 0): number[] => {
  const noise = tf.tidy(() => neftuneNoise(exampleLengths(batch), width, alpha, randomKey(seed, counter)));
  const values = [...noise.dataSync()];
  noise.dispose();
  return values;
};

let noise: number[];
beforeAll(async () => {
  await useBackend();
  noise = draw(1);
});
const part = (row: number, start: number, end: number): number[] =>
  noise.slice((row * batch.time + start) * width, (row * batch.time + end) * width);

describe("neftuneNoise", () => {
  it.each<[string, [number, number, number], number]>([
    ["the first of a packed row", [0, 0, 4], 4],
    ["the second of a packed row", [0, 4, 20], 16],
    ["an example alone", [1, 0, 9], 9],
  ])("is uniform within α/√(L·d), with L of the example alone: %s", (_, place, length) => {
    const values = part(...place);
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

  it("follows from the key and leaves no tensor behind", () => {
    const before = tf.memory().numTensors;
    expect(draw(1)).toEqual(noise);
    expect(draw(2)).not.toEqual(noise);
    expect(draw(1, 1)).not.toEqual(noise);
    expect(tf.memory().numTensors).toBe(before);
  });
});
