import {
  type BackendName,
  type CompileOptions,
  compileStep,
  nativeBackend,
  Random,
  type Tensor,
  tf,
  useBackend,
} from "posttrain/backend";
import type { Parameter } from "posttrain/model";
import { AdamW, type AdamWOptions, type AdamWRates, GradientSum } from "posttrain/training";
import { beforeAll, describe, expect, it } from "vitest";
import golden from "../golden/training.json";

beforeAll(async () => {
  await useBackend();
});

type Numbers = { weight: number[][]; bias: number[] };

const parametersAt = ({ weight, bias }: Numbers): Parameter[] => [
  { name: "weight", variable: tf.tidy(() => tf.variable(tf.tensor2d(weight))), trainable: true },
  { name: "bias", variable: tf.tidy(() => tf.variable(tf.tensor1d(bias))), trainable: true },
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

  it("goes on after a step that was refused as if it had never been", () => {
    const { start, trajectory } = golden.adamw[0] as (typeof golden.adamw)[number];
    const [first, second] = [parametersAt(start), parametersAt(start)];
    const [straight, disturbed] = [new AdamW(first), new AdamW(second)];
    for (const { gradients, learningRate } of trajectory) {
      straight.step(tensors(gradients), learningRate);
      const norm = disturbed.step({ ...tensors(gradients), bias: tf.fill([4], Number.NaN) }, learningRate);
      expect(norm.dataSync()[0]).toBeNaN();
      disturbed.step(tensors(gradients), learningRate);
    }
    expect(disturbed.updates).toBe(trajectory.length);
    expect(values(second)).toEqual(values(first));
  });
});

describe("AdamW", () => {
  beforeAll(async () => {
    await useBackend();
  });

  it("shrinks weights but neither norms nor biases when the gradient is zero", () => {
    const parameters = parametersAt({ weight: [[2, -4]], bias: [3] });
    const optimizer = new AdamW(parameters, { weightDecay: 0.1 });
    optimizer.step({ weight: tf.zeros([1, 2]), bias: tf.zeros([1]) }, 0.5);
    expectClose(parameters[0]?.variable, [[2 * 0.95, -4 * 0.95]]);
    expectClose(parameters[1]?.variable, [3]);
  });

  it("leaves weights that can be read without a copy", ({ skip }) => {
    const backend = nativeBackend();
    if (!backend) return skip("only TensorFlow's library changes weights in place");
    const [count, bytes] = [16, 2 ** 22];
    const parameters = Array.from({ length: count }, (_, i) => ({
      name: `weight ${i}`,
      variable: tf.tidy(() => tf.variable(tf.ones([bytes / 4 / 64, 64]))),
      trainable: true,
    }));
    const optimizer = new AdamW(parameters, { weightDecay: 0.1 });
    const gradients = Object.fromEntries(
      parameters.map(({ name, variable }) => [name, tf.onesLike(variable)]),
    );
    optimizer.step(gradients, 0.1).dispose();
    const before = process.memoryUsage().rss;
    backend.getInputTensorIds(parameters.map(({ variable }) => variable));
    expect(process.memoryUsage().rss - before).toBeLessThan((count * bytes) / 2);
    optimizer.dispose();
    tf.dispose([gradients, parameters.map(({ variable }) => variable)]);
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

describe("fifty updates of AdamW", () => {
  const [rows, columns] = [40, 7];
  type Inputs = { weight: Tensor; bias: Tensor; second: Tensor } & AdamWRates;

  /** Every number of parameters and state after fifty steps, of which number 20 is broken. */
  function train({ accumulate = false, ...options }: CompileOptions & { accumulate?: boolean }): number[] {
    const random = new Random(5);
    const numbers = (count: number): number[] => Array.from({ length: count }, () => random.normal());
    const start = { weight: Array.from({ length: rows }, () => numbers(columns)), bias: numbers(columns) };
    const parameters = parametersAt(start);
    const rateFactor = ({ name }: Parameter) => (name === "bias" ? 4 : 1);
    const optimizer = new AdamW(parameters, { weightDecay: 0.1, maxGradNorm: 3, rateFactor });
    const sum = new GradientSum(parameters);
    const step = compileStep(({ weight, bias, second, ...rates }: Inputs) => {
      if (!accumulate) return optimizer.update({ weight, bias }, rates);
      sum.add({ weight, bias }, tf.scalar(1));
      sum.add({ weight: second }, tf.scalar(1));
      const update = optimizer.update(sum.gradients(), rates, sum.loss());
      sum.reset();
      return update;
    }, options);
    for (let i = 0; i < 50; i++) {
      tf.tidy(() => {
        const scale = i === 20 ? Number.NaN : 10 ** ((i % 7) - 4);
        const weight = tf.mul(tf.tensor2d(numbers(rows * columns), [rows, columns]), scale);
        const second = tf.tensor2d(numbers(rows * columns), [rows, columns]);
        const inputs = { weight, second, bias: tf.tensor1d(numbers(columns)) };
        const { accepted } = step({ ...inputs, ...optimizer.rates(0.01 / (1 + i)) });
        expect(accepted.dataSync()[0]).toBe(i === 20 ? 0 : 1);
        if (i !== 20) optimizer.updates += 1;
      });
    }
    const all = [
      ...values(parameters),
      ...Object.values(optimizer.state()).flatMap((m) => [...m.dataSync()]),
    ];
    optimizer.dispose();
    sum.dispose();
    step.dispose();
    tf.dispose(parameters.map(({ variable }) => variable));
    return all;
  }
  const expectSame = (actual: number[], expected: number[], tolerance: number): void => {
    expect(actual).toHaveLength(expected.length);
    const differences = actual.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)));
    expect(differences.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(tolerance);
    expect(differences.some(Number.isNaN)).toBe(false);
  };

  let native: boolean;
  beforeAll(async () => {
    native = await useBackend("native").then(
      () => true,
      () => false,
    );
  });

  it.each([
    false,
    true,
  ])("give the same compiled and not (accumulating: %s), and leave nothing", (accumulate) => {
    const before = tf.memory().numTensors;
    const eager = train({ accumulate, compile: false });
    expectSame(train({ accumulate }), eager, 1e-6);
    if (native) expectSame(train({ accumulate, route: "session" }), eager, 1e-5);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each(["wasm", "cpu"] satisfies BackendName[])("give the same on %s", async (backend) => {
    const expected = train({});
    await useBackend(backend);
    expectSame(train({}), expected, 1e-5);
    await useBackend();
  });
});
