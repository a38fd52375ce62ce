import { type Tensor, type Tensor1D, type Tensor2D, type Tensor3D, tf, useBackend } from "posttrain/backend";
import { crossEntropy, entropy, scoreRows, tokenLogProbs } from "posttrain/training";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import golden from "../golden/training.json";

let tensorsBefore = 0;
beforeEach(() => {
  tf.engine().startScope();
  tensorsBefore = tf.memory().numTensors;
});
afterEach(() => tf.engine().endScope());

const expectClose = (actual: Tensor, expected: readonly unknown[] | number, tolerance = 1e-5): void => {
  const values = (typeof expected === "number" ? [expected] : expected.flat(4)) as number[];
  const found = [...actual.dataSync()];
  expect(found).toHaveLength(values.length);
  for (const [i, value] of values.entries())
    expect(Math.abs((found[i] ?? Number.NaN) - value)).toBeLessThan(tolerance);
};

const tensors = (example: (typeof golden.losses)[number]) => ({
  logits: tf.tensor3d(example.logits),
  tokenIds: tf.tensor2d(example.tokenIds, undefined, "int32"),
  mask: tf.tensor2d(example.mask),
});

describe.each(["fastest", "cpu"] as const)("on the %s backend", (backend) => {
  beforeAll(async () => {
    await useBackend(backend === "cpu" ? "cpu" : undefined);
  });

  describe("crossEntropy", () => {
    it.each(golden.losses)("equals PyTorch's loss and gradient: $name", (example) => {
      const { logits, tokenIds, mask } = tensors(example);
      const { labelSmoothing } = example;
      const loss = (z: Tensor3D) => crossEntropy(z, tokenIds, mask, { labelSmoothing });
      expectClose(loss(logits), example.loss);
      expectClose(tf.grad((z) => loss(z as Tensor3D))(logits), example.gradient, 1e-6);
    });

    it("is log V when every token is equally likely", () => {
      const ids = tf.tensor2d([[3, 1, 4, 1]], undefined, "int32");
      expectClose(crossEntropy(tf.zeros([1, 4, 5]), ids, tf.ones([1, 4])), Math.log(5));
    });

    it("does not depend on logits that predict a masked token, nor on the last position", () => {
      const { tokenIds } = tensors(golden.losses[0] as (typeof golden.losses)[number]);
      const mask = tf.tensor2d([
        [1, 1, 0, 1, 0],
        [0, 0, 0, 0, 1],
      ]);
      const logits = tf.randomNormal([2, 5, 7], 0, 1, "float32", 3) as Tensor3D;
      const gradient = tf.grad((z) => crossEntropy(z as Tensor3D, tokenIds, mask))(logits);
      const perPosition = tf.max(tf.abs(gradient), -1).arraySync() as number[][];
      const depends = perPosition.map((row) => row.map((size) => (size > 0 ? 1 : 0)));
      expect(depends).toEqual([
        [1, 0, 1, 0, 0],
        [0, 0, 0, 1, 0],
      ]);
    });

    it("is 0, not NaN, when nothing is selected", () => {
      const ids = tf.tensor2d([[0, 1]], undefined, "int32");
      expectClose(crossEntropy(tf.ones([1, 2, 3]), ids, tf.zeros([1, 2])), 0);
    });

    it("refuses a mask of another shape, naming both shapes", () => {
      const ids = tf.tensor2d([[0, 1]], undefined, "int32");
      expect(() => crossEntropy(tf.ones([1, 2, 3]), ids, tf.ones([1, 3]))).toThrow(/mask .*\[1,2\].*\[1,3\]/);
    });

    it("refuses token ids that are not int32", () => {
      expect(() => crossEntropy(tf.ones([1, 2, 3]), tf.tensor2d([[0, 1]]), tf.ones([1, 2]))).toThrow(/int32/);
    });

    it("refuses a smoothing outside [0, 1)", () => {
      const ids = tf.tensor2d([[0, 1]], undefined, "int32");
      const smooth = (labelSmoothing: number) => () =>
        crossEntropy(tf.ones([1, 2, 3]), ids, tf.ones([1, 2]), { labelSmoothing });
      expect(smooth(1)).toThrow(/labelSmoothing/);
      expect(smooth(Number.NaN)).toThrow(/labelSmoothing/);
    });
  });

  describe("tokenLogProbs", () => {
    it.each(golden.losses)("equals PyTorch's: $name", (example) => {
      const { logits, tokenIds } = tensors(example);
      const logProbs = tokenLogProbs(logits, tokenIds);
      expect(logProbs.shape).toEqual([tokenIds.shape[0], tokenIds.shape[1] - 1]);
      expectClose(logProbs, example.tokenLogProbs);
    });

    it("averages to minus the cross-entropy of the full sequence", () => {
      const { logits, tokenIds } = tensors(golden.losses[0] as (typeof golden.losses)[number]);
      const loss = crossEntropy(logits, tokenIds, tf.onesLike(tokenIds) as Tensor2D);
      expectClose(tf.neg(tf.mean(tokenLogProbs(logits, tokenIds))), loss.dataSync()[0] as number);
    });
  });

  describe("entropy", () => {
    it.each(golden.losses)("equals PyTorch's: $name", (example) => {
      expectClose(entropy(tensors(example).logits), example.entropy);
    });

    it("is log V without any preference and 0 with certainty", () => {
      expectClose(entropy(tf.zeros([1, 8])), Math.log(8));
      expectClose(entropy(tf.tensor2d([[100, 0, 0]])), 0);
    });
  });

  describe("scoreRows", () => {
    it.each(golden.losses)("gives surprise and entropy as PyTorch does: $name", (example) => {
      const { logits, tokenIds } = tensors(example);
      const [batch, time, vocab] = logits.shape;
      const predicting = tf.reshape(tf.slice(logits, [0, 0, 0], [batch, time - 1, vocab]), [-1, vocab]);
      const targets = tf.reshape(tf.slice(tokenIds, [0, 1], [batch, time - 1]), [-1]);
      const { surprise, entropy: undecided } = scoreRows(predicting as Tensor2D, targets as Tensor1D);
      expectClose(tf.neg(surprise), example.tokenLogProbs);
      expectClose(
        undecided,
        example.entropy.map((row) => row.slice(0, -1)),
        2e-5,
      );
    });
  });

  describe("the losses", () => {
    it("leave no tensor behind", () => {
      const { logits, tokenIds, mask } = tensors(golden.losses[2] as (typeof golden.losses)[number]);
      const before = tf.memory().numTensors;
      for (let i = 0; i < 3; i++) {
        tf.dispose(
          tf.valueAndGrad((z) => crossEntropy(z as Tensor3D, tokenIds, mask, { labelSmoothing: 0.1 }))(
            logits,
          ),
        );
        tf.dispose([tokenLogProbs(logits, tokenIds), entropy(logits)]);
      }
      expect(tf.memory().numTensors).toBe(before);
      expect(before).toBe(tensorsBefore + 3);
    });
  });
});
