import { type Scalar, type Tensor, tf, useBackend } from "posttrain/backend";
import type { Parameter } from "posttrain/model";
import { clipByGlobalNorm, GradientSum, TrainingError, valueAndGradients } from "posttrain/training";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";

beforeAll(async () => {
  await useBackend();
});

let parameters: Parameter[];
beforeEach(() => {
  tf.disposeVariables();
  parameters = [
    { name: "a", variable: tf.variable(tf.tensor1d([1, 2])), trainable: true },
    { name: "b", variable: tf.variable(tf.tensor1d([3, 4])), trainable: true },
  ];
});
const [a, b] = [() => (parameters[0] as Parameter).variable, () => (parameters[1] as Parameter).variable];
const numbers = (tensor: Tensor | undefined): number[] => [...(tensor?.dataSync() ?? [])];

/** Loss Σ a²b, its product as aux. */
const loss = () => {
  const product = tf.mul(tf.square(a()), b());
  return { loss: tf.sum(product) as Scalar, product, largest: tf.max(product) };
};

describe("valueAndGradients", () => {
  it("differentiates the loss and hands back everything else", () => {
    const result = valueAndGradients(parameters, loss);
    expect(numbers(result.loss)).toEqual([19]);
    expect(numbers(result.gradients.a)).toEqual([6, 16]); // 2ab
    expect(numbers(result.gradients.b)).toEqual([1, 4]); // a²
    expect(numbers(result.aux.product)).toEqual([3, 16]);
    expect(numbers(result.aux.largest)).toEqual([16]);
  });

  it("gives frozen parameters no gradient", () => {
    (parameters[1] as Parameter).trainable = false;
    expect(Object.keys(valueAndGradients(parameters, loss).gradients)).toEqual(["a"]);
  });

  it("leaves out parameters that the loss does not depend on", () => {
    const { gradients } = valueAndGradients(parameters, () => ({ loss: tf.sum(a()) as Scalar }));
    expect(Object.keys(gradients)).toEqual(["a"]);
  });

  it("gives the caller exactly the tensors it names", () => {
    const before = tf.memory().numTensors;
    const result = valueAndGradients(parameters, loss);
    expect(tf.memory().numTensors).toBe(before + 5);
    tf.dispose([result.loss, result.aux, result.gradients]);
    expect(tf.memory().numTensors).toBe(before);
    tf.tidy(() => void valueAndGradients(parameters, loss));
    expect(tf.memory().numTensors).toBe(before);
  });

  it("may hand back one tensor under several names, and a parameter itself", () => {
    const before = tf.memory().numTensors;
    const result = valueAndGradients(parameters, () => {
      const { loss: value } = loss();
      return { loss: value, again: value, weight: a() };
    });
    expect(numbers(result.loss)).toEqual(numbers(result.aux.again));
    tf.dispose([result.loss, result.aux, result.gradients]);
    expect(numbers(a())).toEqual([1, 2]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("leaves nothing behind when the loss throws, and works afterwards", () => {
    const before = tf.memory().numTensors;
    const failing = () => {
      const { product } = loss();
      return {
        loss: tf.sum(product) as Scalar,
        product,
        wrong: tf.matMul(product as never, product as never),
      };
    };
    expect(() => valueAndGradients(parameters, failing)).toThrow();
    expect(tf.memory().numTensors).toBe(before);
    expect(numbers(valueAndGradients(parameters, loss).gradients.b)).toEqual([1, 4]);
  });

  it("says so when nothing can be trained", () => {
    for (const parameter of parameters) parameter.trainable = false;
    expect(() => valueAndGradients(parameters, loss)).toThrow(TrainingError);
  });
});

describe("clipByGlobalNorm", () => {
  const gradients = () => ({ a: tf.tensor1d([3, 0]), b: tf.tensor2d([[0, 4]]) });

  it("shortens all gradients together and reports the length before", () => {
    const { gradients: clipped, norm } = clipByGlobalNorm(gradients(), 1);
    expect(numbers(norm)[0]).toBeCloseTo(5, 5);
    expect(numbers(clipped.a)[0]).toBeCloseTo(0.6, 5);
    expect(numbers(clipped.b)[1]).toBeCloseTo(0.8, 5);
  });

  it("leaves shorter gradients, and all of them with a limit of 0, exactly as they are", () => {
    expect(numbers(clipByGlobalNorm(gradients(), 6).gradients.a)).toEqual([3, 0]);
    expect(numbers(clipByGlobalNorm(gradients(), 0).gradients.b)).toEqual([0, 4]);
  });
});

describe("GradientSum", () => {
  it("adds up, starts again after a reset, even after NaN, and frees what it holds", () => {
    const before = tf.memory().numTensors;
    const sum = new GradientSum(parameters);
    tf.tidy(() => {
      sum.add({ a: tf.tensor1d([1, 2]) }, tf.scalar(0.5));
      sum.add({ a: tf.tensor1d([10, 20]), b: tf.tensor1d([Number.NaN, 1]) }, tf.scalar(0.25));
    });
    expect(numbers(sum.gradients().a)).toEqual([11, 22]);
    expect(numbers(sum.loss())).toEqual([0.75]);
    sum.reset();
    expect([...numbers(sum.gradients().b), ...numbers(sum.loss())]).toEqual([0, 0, 0]);
    expect(tf.memory().numTensors).toBe(before + 3);
    sum.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
