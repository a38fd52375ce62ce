import { compileStep, type Tensor, tf, useBackend } from "posttrain/backend";
import { beforeAll, describe, expect, it } from "vitest";
import { hasNative } from "./compile/native.js";

describe.runIf(hasNative)("tf.softmax on TensorFlow's library", () => {
  beforeAll(async () => {
    await useBackend("native");
  });

  it.each([
    [[7]],
    [[3, 7]],
    [[4, 6, 32, 32]],
    [[64, 2048]],
    [[2, 5, 1]],
  ])("is the same to the last bit, compiled and not: %j", (shape) => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const x = tf.mul(tf.randomNormal(shape, 0, 1, "float32", 1), 3);
      const compiled = compileStep(({ x }: { x: Tensor }) => ({ y: tf.softmax(x) }));
      expect(compiled({ x }).y.dataSync()).toEqual(tf.softmax(x).dataSync());
      compiled.dispose();
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it("takes more axes than oneDNN does", () => {
    expect(tf.tidy(() => tf.softmax(tf.ones([1, 1, 1, 1, 1, 2])).dataSync())).toEqual(
      new Float32Array([0.5, 0.5]),
    );
  });
});
