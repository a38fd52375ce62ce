import { type Tensor, tf, useBackend } from "posttrain/backend";
import type { Parameter } from "posttrain/model";
import { AdamW, type AdamWOptions } from "posttrain/training";
import { beforeAll, describe, expect, it } from "vitest";
import golden from "../golden/training.json";

beforeAll(async () => {
  await useBackend();
});

type Numbers = { weight: number[][]; bias: number[] };

const parametersAt = ({ weight, bias }: Numbers): Parameter[] => [
  { name: "weight", variable: tf.variable(tf.tensor2d(weight)), trainable: true },
  { name: "bias", variable: tf.variable(tf.tensor1d(bias)), trainable: true },
];
const tensors = ({ weight, bias }: Numbers) => ({ weight: tf.tensor2d(weight), bias: tf.tensor1d(bias) });

const expectClose = (actual: Tensor | undefined, expected: readonly unknown[], tolerance = 2e-6): void => {
  const found = [...(actual?.dataSync() ?? [])];
  const wanted = expected.flat(3) as number[];
  expect(found).toHaveLength(wanted.length);
  found.forEach((value, i) => {
    expect(Math.abs(value - (wanted[i] ?? Number.NaN))).toBeLessThan(tolerance);
  });
};
const values = (parameters: readonly Parameter[]): number[] =>
  parameters.flatMap(({ variable }) => [...variable.dataSync()]);

describe.each(["fastest", "cpu"] as const)("AdamW on the %s backend", (backend) => {
  beforeAll(async () => {
    await useBackend(backend === "cpu" ? "cpu" : undefined);
  });

  it.each(golden.adamw)("follows torch.optim.AdamW for six steps: $name", ({
    options,
    start,
    trajectory,
    state,
  }) => {
    const parameters = parametersAt(start);
    const optimizer = new AdamW(parameters, options as unknown as AdamWOptions);
    for (const step of trajectory) {
      const norm = optimizer.step(tensors(step.gradients), step.learningRate);
      expectClose(norm, [step.norm], 1e-5);
      expectClose(parameters[0]?.variable, step.parameters.weight);
      expectClose(parameters[1]?.variable, step.parameters.bias);
    }
    for (const [name, expected] of Object.entries(state)) {
      expectClose(optimizer.state()[name], expected as unknown[], 1e-5);
    }
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("changes nothing at all on a gradient of %s", (broken) => {
    const { start, trajectory } = golden.adamw[1] as (typeof golden.adamw)[number];
    const parameters = parametersAt(start);
    const optimizer = new AdamW(parameters, { weightDecay: 0.5, maxGradNorm: 1 });
    optimizer.step(tensors((trajectory[0] as (typeof trajectory)[number]).gradients), 0.1);
    const everything = () => [
      ...values(parameters),
      ...Object.values(optimizer.state()).flatMap((m) => [...m.dataSync()]),
    ];
    const before = everything();
    const update = optimizer.update(
      { weight: tf.fill([3, 4], broken), bias: tf.ones([4]) },
      optimizer.rates(0.1),
    );
    expect(update.accepted.dataSync()[0]).toBe(0);
    expect(everything()).toEqual(before);
  });
});

describe("AdamW", () => {
  it("shrinks weights but neither norms nor biases when the gradient is zero", () => {
    const parameters = parametersAt({ weight: [[2, -4]], bias: [3] });
    const optimizer = new AdamW(parameters, { weightDecay: 0.1 });
    optimizer.step({ weight: tf.zeros([1, 2]), bias: tf.zeros([1]) }, 0.5);
    expectClose(parameters[0]?.variable, [[2 * 0.95, -4 * 0.95]]);
    expectClose(parameters[1]?.variable, [3]);
  });

  it("goes on from a saved state exactly as if it had never stopped", () => {
    const { start, trajectory } = golden.adamw[0] as (typeof golden.adamw)[number];
    const [first, second] = [parametersAt(start), parametersAt(start)];
    const straight = new AdamW(first);
    const before = new AdamW(second);
    for (const { gradients, learningRate } of trajectory) straight.step(tensors(gradients), learningRate);
    for (const { gradients, learningRate } of trajectory.slice(0, 3))
      before.step(tensors(gradients), learningRate);

    const after = new AdamW(second);
    const saved = before.state();
    for (const [name, variable] of Object.entries(after.state()))
      variable.assign(tf.clone(saved[name] as Tensor));
    after.updates = before.updates;
    before.dispose();
    for (const { gradients, learningRate } of trajectory.slice(3))
      after.step(tensors(gradients), learningRate);
    expect(values(second)).toEqual(values(first));
  });

  it("keeps no state for frozen parameters and leaves them alone", () => {
    const parameters = parametersAt({ weight: [[1, 2]], bias: [3] });
    (parameters[0] as Parameter).trainable = false;
    const optimizer = new AdamW(parameters);
    expect(Object.keys(optimizer.state())).toEqual(["exp_avg.bias", "exp_avg_sq.bias"]);
    optimizer.step({ weight: tf.ones([1, 2]), bias: tf.ones([1]) }, 0.1);
    expectClose(parameters[0]?.variable, [[1, 2]]);
  });

  it("multiplies the learning rate of a parameter by its factor, for the step and for the decay", () => {
    const gradients = { weight: tf.tensor2d([[0.3, -2]]), bias: tf.tensor1d([0.7]) };
    const start = { weight: [[1, 2]], bias: [3] };
    const run = (learningRate: number, options: AdamWOptions) => {
      const parameters = parametersAt(start);
      const optimizer = new AdamW(parameters, { weightDecay: 0.5, ...options });
      for (let i = 0; i < 3; i++) optimizer.step(gradients, learningRate);
      return parameters;
    };
    const asked = run(0.01, { rateFactor: ({ name }) => (name === "weight" ? 16 : 1) });
    expectClose(asked[0]?.variable, [...(run(0.16, {})[0]?.variable.dataSync() ?? [])], 1e-6);
    expectClose(asked[1]?.variable, [...(run(0.01, {})[1]?.variable.dataSync() ?? [])], 1e-6);
    const still = run(0.01, { rateFactor: () => 0 });
    expect(values(still)).toEqual([1, 2, 3]);
  });

  it("refuses a factor that is no rate, naming the parameter", () => {
    const parameters = parametersAt({ weight: [[1, 2]], bias: [3] });
    expect(() => new AdamW(parameters, { rateFactor: () => Number.NaN })).toThrow("rateFactor of weight");
  });

  it("holds two tensors a parameter and leaves nothing else behind", () => {
    const parameters = parametersAt({ weight: [[1, 2]], bias: [3] });
    const gradients = { weight: tf.ones([1, 2]), bias: tf.ones([1]) };
    const before = tf.memory().numTensors;
    const optimizer = new AdamW(parameters, { maxGradNorm: 1 });
    for (let i = 0; i < 5; i++) optimizer.step(gradients, 0.1).dispose();
    expect(tf.memory().numTensors).toBe(before + 4);
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    { betas: [1, 0.9] as const },
    { epsilon: -1 },
    { weightDecay: Number.NaN },
    { maxGradNorm: -1 },
  ])("refuses %o by name", (options) => {
    expect(() => new AdamW([], options)).toThrow(Object.keys(options)[0] as string);
  });
});
