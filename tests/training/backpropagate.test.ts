import { type Scalar, type Tensor, type Tensor2D, tf, useBackend } from "posttrain/backend";
import { createDecoder, type Decoder, type Parameter } from "posttrain/model";
import { TrainingError, valueAndGradients } from "posttrain/training";
import { beforeAll, describe, expect, it } from "vitest";

beforeAll(() => useBackend());

const sizes = {
  architecture: "llama",
  vocabSize: 23,
  contextLength: 8,
  hiddenSize: 16,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
} as const;
const tokens = (): Tensor2D => tf.tensor2d([[1, 2, 3, 4]], undefined, "int32");
const loss = (decoder: Decoder) => tf.mean(tf.square(decoder.forward(tokens()))) as Scalar;
const gap = (a: Tensor, b: Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];

describe("the backward pass of valueAndGradients", () => {
  it("gives exactly the gradients of tf.variableGrads", () => {
    const decoder = createDecoder(sizes, { seed: 3 });
    tf.tidy(() => {
      const ours = valueAndGradients(decoder.parameters(), () => ({ loss: loss(decoder) }));
      const theirs = tf.variableGrads(() => loss(decoder));
      expect(gap(ours.loss, theirs.value)).toBe(0);
      for (const { name, variable } of decoder.parameters()) {
        expect(gap(ours.gradients[name] as Tensor, theirs.grads[variable.name] as Tensor), name).toBe(0);
      }
    });
    decoder.dispose();
  });

  it("handles a weight used twice, a sum with itself, and an output with several parts", () => {
    const weight: Parameter = {
      name: "w",
      variable: tf.variable(tf.tensor1d([1, 2, 3, 4])),
      trainable: true,
    };
    tf.tidy(() => {
      const w = weight.variable;
      const { gradients } = valueAndGradients([weight], () => {
        const [low] = tf.split(w, 2); // the other half gets no gradient from here
        return { loss: tf.add(tf.sum(tf.add(w, w)), tf.sum(tf.square(low as Tensor))) as Scalar };
      });
      expect([...(gradients.w as Tensor).dataSync()]).toEqual([2 + 2, 2 + 4, 2, 2]);
    });
    weight.variable.dispose();
  });

  it("computes nothing for frozen weights and leaves them out", () => {
    const decoder = createDecoder(sizes, { seed: 3 });
    const [first, ...rest] = decoder.parameters();
    for (const parameter of rest) parameter.trainable = false;
    tf.tidy(() => {
      const { gradients } = valueAndGradients(decoder.parameters(), () => ({ loss: loss(decoder) }));
      expect(Object.keys(gradients)).toEqual([first?.name]);
    });
    decoder.dispose();
  });

  it("says so when the loss depends on nothing that is trained, and leaves no tensor behind", () => {
    const decoder = createDecoder(sizes, { seed: 3 });
    const before = tf.memory().numTensors;
    const constant = () => valueAndGradients(decoder.parameters(), () => ({ loss: tf.scalar(1) }));
    expect(constant).toThrow(TrainingError);
    expect(tf.memory().numTensors).toBe(before);
    decoder.dispose();
  });

  it("leaves no tensor behind, neither after a result nor after an error in the loss", () => {
    const decoder = createDecoder(sizes, { seed: 3 });
    const before = tf.memory().numTensors;
    const { loss: value, gradients } = valueAndGradients(decoder.parameters(), () => ({
      loss: loss(decoder),
    }));
    tf.dispose([value, gradients]);
    const failing = () => {
      loss(decoder);
      throw new Error("broken");
    };
    expect(() => valueAndGradients(decoder.parameters(), failing)).toThrow("broken");
    expect(tf.memory().numTensors).toBe(before);
    decoder.dispose();
  });
});
