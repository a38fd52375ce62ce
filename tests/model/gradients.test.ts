import { Random, type Tensor, type Tensor4D, tf, useBackend } from "posttrain/backend";
import {
  attention,
  byAutodiff,
  causalMask,
  gelu,
  layerNorm,
  rmsNorm,
  rotaryAngles,
  rotate,
  swiglu,
} from "posttrain/model";
import { beforeAll, describe, expect, it } from "vitest";
import { largestDifference } from "./helpers.js";

beforeAll(() => useBackend());

const random = new Random(11);
const normal = (...shape: number[]): Tensor =>
  tf.tensor(
    Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal()),
    shape,
  );

/** Every operation with a hand-written gradient, on inputs whose gradient is asked for. */
const operations: { name: string; shapes: number[][]; run: (...inputs: Tensor[]) => Tensor }[] = [
  { name: "rmsNorm", shapes: [[3, 5], [5]], run: (x, g) => rmsNorm(x, g as Tensor, 1e-5) },
  {
    name: "layerNorm",
    shapes: [[3, 5], [5], [5]],
    run: (x, g, b) => layerNorm(x, g as Tensor, b as Tensor, 1e-5),
  },
  { name: "gelu", shapes: [[4, 7]], run: (x) => gelu(x) },
  {
    name: "swiglu",
    shapes: [
      [4, 7],
      [4, 7],
    ],
    run: (g, u) => swiglu(g, u as Tensor),
  },
  {
    name: "rotate",
    shapes: [[2, 3, 2, 4]],
    run: (x) => rotate(x as Tensor4D, rotaryAngles(tf.tensor2d([[0, 5, 9]], [1, 3], "int32"), 4, 10_000)),
  },
  {
    name: "attention",
    shapes: [
      [2, 4, 3, 8],
      [2, 4, 3, 8],
      [2, 4, 3, 8],
    ],
    run: (q, k, v) => attention(q as Tensor4D, k as Tensor4D, v as Tensor4D, causalMask(3)),
  },
  {
    name: "attention with grouped heads and earlier keys",
    shapes: [
      [2, 6, 3, 8],
      [2, 2, 5, 8],
      [2, 2, 5, 8],
    ],
    run: (q, k, v) => attention(q as Tensor4D, k as Tensor4D, v as Tensor4D, causalMask(3, { past: 2 })),
  },
];

describe("hand-written gradients", () => {
  it.each(operations)("equal automatic differentiation of the formula: $name", ({ shapes, run }) => {
    tf.tidy(() => {
      const inputs = shapes.map((shape) => normal(...shape));
      const slope = normal(...run(...inputs).shape);
      const gradients = tf.valueAndGrads(run);
      const byHand = gradients(inputs, slope);
      const automatic = byAutodiff(() => gradients(inputs, slope));
      expect(largestDifference(byHand.value, automatic.value)).toBeLessThan(1e-6);
      byHand.grads.forEach((gradient, i) => {
        const other = automatic.grads[i] as Tensor;
        expect(tf.max(tf.abs(other)).dataSync()[0]).toBeGreaterThan(0.01);
        expect(largestDifference(gradient, other)).toBeLessThan(1e-5);
      });
    });
  });

  it.each(operations)("leave no tensor behind: $name", ({ shapes, run }) => {
    const inputs = shapes.map((shape) => normal(...shape));
    const before = tf.memory().numTensors;
    tf.dispose(tf.tidy(() => tf.grads((...xs: Tensor[]) => tf.sum(tf.square(run(...xs))))(inputs)));
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose(inputs);
  });
});
