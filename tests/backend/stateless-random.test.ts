import {
  type BackendName,
  check,
  compileStep,
  dropout,
  type RandomKey,
  randomKey,
  statelessUniform,
  type Tensor,
  tf,
  useBackend,
} from "posttrain/backend";
import { OptionError } from "posttrain/errors";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { philox } from "../../src/backend/philox.js";
import { hasNative, ROUTES } from "./compile/native.js";

const BACKENDS: BackendName[] = hasNative ? ["native", "wasm", "cpu"] : ["wasm", "cpu"];
const bits = (values: ArrayLike<number>): string =>
  [...Uint32Array.from(values)].map((word) => word.toString(16).padStart(8, "0")).join(" ");

/** TensorFlow 2.18.1: `tf.random.stateless_uniform([4], seed=[1, 2])`, times 2²³. */
const FROM_TENSORFLOW = [7_080_492, 1_610_993, 8_356_926, 1_345_427];

/** What is drawn for a key, as plain numbers. */
const drawn = (shape: number[], [seed, counter]: readonly [number, number], stream?: number): number[] => {
  const values = tf.tidy(() => statelessUniform(shape, randomKey(seed, counter), stream));
  const numbers = [...values.dataSync()];
  values.dispose();
  return numbers;
};

describe("philox", () => {
  it.each([
    [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    [[-1, -1, -1, -1], [-1, -1], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    ],
  ])("gives the words that its authors published for the counter %j", (counter, key, words) => {
    expect(bits(philox(counter, key))).toBe(words);
  });
});

describe.each(BACKENDS)("on %s", (backend) => {
  let tensors: number;
  beforeAll(async () => {
    await useBackend(backend);
  });
  beforeEach(() => {
    tensors = tf.memory().numTensors;
  });
  afterAll(async () => {
    await useBackend();
  });

  it("uniform numbers are, bit for bit, those that TensorFlow draws for the seed [1, 2]", () => {
    const thousand = drawn([1000], [1, 2]);
    expect(thousand.slice(0, 4).map((u) => u * 2 ** 23)).toEqual(FROM_TENSORFLOW);
    expect(drawn([10, 100], [1, 2])).toEqual(thousand);
    expect(drawn([3], [1, 2])).toEqual(thousand.slice(0, 3)); // not a multiple of four
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it("they are uniform, and other ones for every other seed, counter or stream", () => {
    const draws = [
      drawn([10_000], [1, 2]),
      drawn([10_000], [2, 2]),
      drawn([10_000], [1, 3]),
      drawn([10_000], [1, 2], 1),
      drawn([10_000], [1, 2], 2),
      drawn([10_000], [-1, -2]),
    ];
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    for (const [i, draw] of draws.entries()) {
      expect(Math.min(...draw)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...draw)).toBeLessThan(1);
      expect(mean(draw)).toBeCloseTo(1 / 2, 1);
      expect(mean(draw.map((u) => u ** 2))).toBeCloseTo(1 / 3, 1);
      for (const other of draws.slice(i + 1)) {
        const product = mean(draw.map((u, at) => (u - 0.5) * ((other[at] as number) - 0.5)));
        expect(Math.abs(12 * product), "correlation").toBeLessThan(0.05); // five deviations of 1/√10000
      }
    }
  });

  it("dropout zeroes the share it was given, keeps the mean, and passes the gradient of what stays", () => {
    tf.tidy(() => {
      const key = randomKey(5, 0);
      const x = tf.ones([100, 100]);
      const [y, slope] = [dropout(x, 0.3, key, 4), tf.grad((z) => tf.sum(dropout(z, 0.3, key, 4)))(x)];
      const zeros = (tf.sum(tf.equal(y, 0)).dataSync()[0] as number) / 10_000;
      expect(Math.abs(zeros - 0.3)).toBeLessThan(0.025); // five deviations of √(0.3·0.7/10000)
      check(tf.max(y), 1 / 0.7);
      check(slope, y);
    });
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it("dropout with rate 0 is x itself", () => {
    tf.tidy(() => {
      const x = tf.ones([3]);
      expect(dropout(x, 0, randomKey(1, 1), 0)).toBe(x);
    });
  });
});

describe("statelessUniform", () => {
  it.each([1, -0.1, Number.NaN])("dropout refuses the rate %d", (rate) => {
    tf.tidy(() => {
      expect(() => dropout(tf.ones([2]), rate, randomKey(1, 1), 0)).toThrow(OptionError);
    });
  });

  it("a key refuses what is no whole number", () => {
    expect(() => randomKey(0.5, 1)).toThrow(OptionError);
    expect(() => randomKey(1, Number.NaN)).toThrow(OptionError);
  });

  it.skipIf(!hasNative).each(ROUTES)(
    "draws in a compiled step what it draws outside, anew for each key (%s)",
    async (route) => {
      await useBackend("native");
      const compute = ({ x, key }: { x: Tensor; key: RandomKey; unused: RandomKey }) => ({
        noise: statelessUniform([5, 7], key, 3),
        dropped: dropout(x, 0.5, key, 1),
        slope: tf.grad((z) => tf.sum(tf.square(dropout(z, 0.5, key, 1))))(x),
      });
      const step = compileStep(compute, { route });
      const seen = new Set<string>();
      for (const counter of [1, 2, 3]) {
        tf.tidy(() => {
          const inputs = { x: tf.range(0, 35), key: randomKey(9, counter), unused: randomKey(0, 0) };
          const [compiled, eager] = [step(inputs), compute(inputs)];
          for (const name of ["noise", "dropped", "slope"] as const) {
            expect([...compiled[name].dataSync()]).toEqual([...eager[name].dataSync()]);
          }
          seen.add(compiled.noise.dataSync().join());
        });
      }
      expect(seen.size).toBe(3);
      expect(step.stats.traces).toBe(1);
      step.dispose();
    },
  );
});
