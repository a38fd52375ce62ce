import { check, type Scalar, type Tensor2D, tf, useBackend } from "posttrain/backend";
import { beforeAll, describe, expect, it } from "vitest";
import { hasNative } from "./compile/native.js";

describe.runIf(hasNative)("tf.matMul on TensorFlow's library", () => {
  beforeAll(async () => {
    await useBackend("native");
  });

  const values = (rows: number, columns: number): Tensor2D =>
    tf.tensor2d(
      Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i + rows)),
      [rows, columns],
    );

  it.each([1, 2, 3, 4, 9])("is the sum of products, and its slopes too, with %d rows", (rows) => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      for (const [transposeA, transposeB] of [
        [false, true],
        [false, false],
        [true, true],
      ] as const) {
        const a = transposeA ? values(17, rows) : values(rows, 17);
        const b = transposeB ? values(5, 17) : values(17, 5);
        const product = (x: Tensor2D, y: Tensor2D): Tensor2D => tf.matMul(x, y, transposeA, transposeB);
        const [x, y] = [transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b];
        const byHand = tf.sum(tf.mul(tf.expandDims(x, 2), tf.expandDims(y, 0)), 1);
        check(product(a, b), byHand, 1e-5);
        const slopes = tf.grads((x, y) => tf.sum(product(x as Tensor2D, y as Tensor2D)) as Scalar)([a, b]);
        const [ofA, ofB] = [tf.sum(y, 1, true), tf.sum(x, 0)];
        check(
          transposeA ? tf.transpose(slopes[0] as Tensor2D) : (slopes[0] as Tensor2D),
          tf.tile(tf.transpose(ofA), [rows, 1]),
          1e-5,
        );
        const expectedB = tf.tile(tf.reshape(ofB, [17, 1]), [1, 5]);
        check(transposeB ? tf.transpose(slopes[1] as Tensor2D) : (slopes[1] as Tensor2D), expectedB, 1e-5);
      }
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
