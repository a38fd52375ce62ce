import { check, compileStep, type Tensor, tf, useBackend } from "posttrain/backend";
import { beforeAll, describe, expect, it } from "vitest";
import { freeing, hasNative } from "./native.js";

/** Results of the operations that a trace does not compute, in shapes that broadcast. */
const RESULTS: Record<string, () => Tensor> = {
  "a product": () => tf.matMul(tf.ones([2, 3]), tf.ones([3, 4])),
  "a product of transposed matrices": () => tf.matMul(tf.ones([3, 2]), tf.ones([4, 3]), true, true),
  "a product of batches": () => tf.matMul(tf.ones([5, 2, 3]), tf.ones([5, 4, 3]), false, true),
  "a product of a batch and one matrix": () => tf.matMul(tf.ones([5, 1, 2, 3]), tf.ones([6, 3, 4])),
  "a sum with a scalar": () => tf.add(tf.ones([2, 3]), tf.scalar(1)),
  "a sum of a column and a row": () => tf.add(tf.ones([2, 1]), tf.ones([1, 3])),
  "a difference of unequal ranks": () => tf.sub(tf.ones([3]), tf.ones([4, 2, 1])),
  "a quotient of empty tensors": () => tf.div(tf.ones([0, 3]), tf.ones([1, 3])),
  "a sum of many": () => tf.addN([tf.ones([2, 3]), tf.ones([2, 3]), tf.ones([2, 3])]),
  "an exponential": () => tf.exp(tf.ones([2, 3])),
  "a softmax": () => tf.softmax(tf.ones([2, 3])),
};

describe.skipIf(!hasNative)("what a trace does not compute", () => {
  beforeAll(async () => {
    await useBackend("native");
  });

  it.each(Object.keys(RESULTS))("has the shape and type of the real result: %s", (name) => {
    const compute = RESULTS[name] as () => Tensor;
    const seen: unknown[] = [];
    const step = compileStep(({ x }: { x: Tensor }) => {
      const y = tf.mul(compute(), x);
      seen.push([y.shape, y.dtype]);
      return { y };
    });
    tf.tidy(() => {
      const expected = compute();
      check(step({ x: tf.scalar(1) }).y, expected);
      expect(seen).toEqual([[expected.shape, expected.dtype]]);
    });
    step.dispose();
  });

  it("is still refused by TensorFlow when the shapes do not fit", () => {
    const step = compileStep(({ x }: { x: Tensor }) => ({ y: tf.matMul(x as tf.Tensor2D, tf.ones([4, 2])) }));
    freeing(() => expect(() => step({ x: tf.ones([2, 3]) })).toThrow(/3.*4|inner/i));
    step.dispose();
  });

  it("may decide which rows are gathered", () => {
    const table = tf.tidy(() => tf.variable(tf.tensor2d([[1], [2], [3], [4]])));
    const pick = ({ scores }: { scores: tf.Tensor2D }) => {
      const best = tf.argMax(tf.softmax(tf.mul(scores, 3)), 1) as tf.Tensor1D;
      const place = tf.cast(tf.floor(tf.mul(tf.sigmoid(tf.mul(scores, 100)), 3)), "int32");
      return { best: tf.gather(table, best), place: tf.gather(table, place) };
    };
    const step = compileStep(pick);
    for (let i = 0; i < 2; i++) {
      tf.tidy(() => {
        const scores = tf.tensor2d([
          [1, 5, 2, 0],
          [0, 1, -2, 7],
        ]);
        const [compiled, plain] = [step({ scores }), pick({ scores })];
        check(compiled.best, plain.best);
        check(compiled.place, plain.place);
      });
    }
    table.dispose();
    step.dispose();
  });
});
