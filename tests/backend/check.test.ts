import { CheckError, check, tf, useBackend } from "posttrain/backend";
import { ShapeError } from "posttrain/errors";
import { beforeAll, describe, expect, it } from "vitest";

beforeAll(async () => {
  await useBackend();
});

describe("check", () => {
  it("accepts tensors, numbers and nested arrays on either side", () => {
    const matrix = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const scalar = tf.scalar(0.5);
    expect(
      check(matrix, [
        [1, 2],
        [3, 4],
      ]).largestDifference,
    ).toBe(0);
    expect(
      check(
        [
          [1, 2],
          [3, 4],
        ],
        matrix,
      ).largestDifference,
    ).toBe(0);
    expect(check(scalar, 0.5).largestDifference).toBe(0);
    expect(check([scalar, 1], Float32Array.of(0.5, 1)).largestDifference).toBe(0);
    expect(check(matrix, matrix).largestDifference).toBe(0);
    tf.dispose([matrix, scalar]);
  });

  it("shows the tolerance and the largest difference", () => {
    const result = check([1, 2], [1, 2 + 3e-8]);
    expect(String(result)).toBe("✓ equal within 0.000001 (largest difference 3e-8)");
    const bundle = (result as unknown as Record<symbol, () => unknown>)[Symbol.for("Jupyter.display")]?.();
    expect(bundle).toEqual({ "text/plain": String(result) });
  });

  it("names the largest difference and where it is", () => {
    const attempt = () =>
      check(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        [
          [1, 2.01, 3],
          [4, 5, 6.5],
        ],
      );
    expect(attempt).toThrow(CheckError);
    expect(attempt).toThrow("the largest difference is 0.5 at [1,2], 6 instead of 6.5");
    expect(() => check(1, 2)).toThrow("the largest difference is 1, 1 instead of 2");
  });

  it("accepts a difference up to the tolerance and no more", () => {
    expect(() => check(1, 1.25, 0.25)).not.toThrow();
    expect(() => check(1, 1.26, 0.25)).toThrow(CheckError);
  });

  it("takes NaN as equal to NaN only, and an infinity to itself only", () => {
    expect(() => check([Number.NaN, -Infinity], [Number.NaN, -Infinity])).not.toThrow();
    expect(() => check([0, Number.NaN], [0, 1], 1e9)).toThrow(/at \[1\], NaN instead of 1/);
    expect(() => check(Infinity, 1e30, 1e9)).toThrow(CheckError);
    expect(() => check(Infinity, -Infinity, 1e9)).toThrow(CheckError);
  });

  it("refuses values of different shape, naming both, and ragged arrays", () => {
    expect(() => check([1, 2], [[1, 2]])).toThrow(ShapeError);
    expect(() => check([1, 2], [1, 2, 3])).toThrow("actual has shape [2] but expected has shape [3]");
    expect(() =>
      check(
        [[1, 2], [3]],
        [
          [1, 2],
          [3, 4],
        ],
      ),
    ).toThrow("row 1 has [1]");
  });

  it("leaves the caller's tensors alone and makes none", () => {
    const before = tf.memory().numTensors;
    const values = tf.ones([3]);
    check(values, [1, 1, 1]);
    expect(values.isDisposed).toBe(false);
    values.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
