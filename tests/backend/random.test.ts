import { Random } from "posttrain/backend";
import { OptionError } from "posttrain/errors";
import { describe, expect, it } from "vitest";

const draw = <T>(count: number, next: () => T): T[] => Array.from({ length: count }, next);
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("Random", () => {
  it("gives the words of the authors' xoshiro128** from the state 1, 2, 3, 4", () => {
    const random = new Random([1, 2, 3, 4]);
    expect(draw(10, () => random.uniform() * 2 ** 32)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it("gives the same numbers from the same seed and others from another", () => {
    const from = (seed: number) => {
      const random = new Random(seed);
      return draw(8, () => random.uniform());
    };
    expect(from(42)).toEqual(from(42));
    expect(from(42)).not.toEqual(from(43));
    expect(from(-1)).toEqual(from(2 ** 32 - 1)); // the lowest 32 bits count
  });

  it("goes on from a saved state, also after a trip through JSON", () => {
    const random = new Random(7);
    draw(100, () => random.normal());
    const resumed = new Random(JSON.parse(JSON.stringify(random.state())));
    expect(draw(20, () => resumed.normal())).toEqual(draw(20, () => random.normal()));
  });

  it("draws uniform numbers from [0, 1) with mean 1/2 and variance 1/12", () => {
    const random = new Random(1);
    const values = draw(100_000, () => random.uniform());
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(mean(values)).toBeCloseTo(1 / 2, 2); // three standard errors are 0.003
    expect(mean(values.map((value) => (value - 0.5) ** 2))).toBeCloseTo(1 / 12, 2);
  });

  it("draws normal numbers with mean 0, variance 1 and fourth moment 3", () => {
    const random = new Random(2);
    const values = draw(200_000, () => random.normal());
    expect(Math.abs(mean(values))).toBeLessThan(0.01);
    expect(Math.abs(mean(values.map((value) => value ** 2)) - 1)).toBeLessThan(0.01);
    expect(Math.abs(mean(values.map((value) => value ** 4)) - 3)).toBeLessThan(0.1);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it("draws every whole number below the bound about equally often", () => {
    const random = new Random(3);
    const counts = new Array<number>(6).fill(0);
    for (const value of draw(60_000, () => random.integer(6))) counts[value] = (counts[value] ?? 0) + 1;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });

  it("shuffles into a new array, and every order comes up", () => {
    const random = new Random(4);
    const items = ["a", "b", "c"];
    const orders = new Set(draw(200, () => random.shuffle(items).join("")));
    expect([...orders].sort()).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"]);
    expect(items).toEqual(["a", "b", "c"]);
  });

  it("refuses a seed that is no whole number and a state that would give zeros for ever", () => {
    expect(() => new Random(Number.NaN)).toThrow(OptionError);
    expect(() => new Random(0.5)).toThrow(/0\.5 cannot seed/);
    expect(() => new Random([0, 0, 0, 0])).toThrow(/cannot seed/);
  });
});
