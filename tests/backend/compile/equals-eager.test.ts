import {
  type CompileOptions,
  check,
  compileStep,
  Random,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tf,
  useBackend,
  type Variable,
} from "posttrain/backend";
import { createDecoder, type DecoderSizes } from "posttrain/model";
import { AdamW, type AdamWRates, crossEntropy, valueAndGradients } from "posttrain/training";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freeing, hasNative, ROUTES } from "./native.js";

const STEPS = 50;

interface Run {
  losses: number[];
  parameters: Float32Array[];
}

function expectSame(compiled: Run, eager: Run): void {
  check(compiled.losses, eager.losses, 1e-6);
  for (const [index, values] of compiled.parameters.entries()) {
    check(values, eager.parameters[index] as Float32Array, 1e-5);
  }
  expect(eager.losses.at(-1)).toBeLessThan((eager.losses[0] as number) * 0.99);
}

/** A network of two layers that learns y = x₀·x₁ by Adam, its moments and its count kept in variables. */
function trainNetwork(options: CompileOptions): Run {
  const random = new Random(1);
  const variable = (shape: number[], scale: number): Variable =>
    tf.tidy(() =>
      tf.variable(
        tf.tensor(
          Array.from({ length: tf.util.sizeFromShape(shape) }, () => scale * random.normal()),
          shape,
        ),
      ),
    );
  const weights = [variable([2, 16], 1), variable([16], 0), variable([16, 1], 0.3), variable([1], 0)];
  const moments = weights.map(({ shape }) => [variable(shape, 0), variable(shape, 0)] as const);
  const count = variable([], 0);

  const step = compileStep(({ x, y, rate }: { x: Tensor2D; y: Tensor2D; rate: Scalar }) => {
    const [w1, b1, w2, b2] = weights as [Variable, Variable, Variable, Variable];
    const { value: loss, grads } = tf.variableGrads(() => {
      const hidden = tf.tanh(tf.add(tf.matMul(x, w1 as unknown as Tensor2D), b1));
      const guess = tf.add(tf.matMul(hidden as Tensor2D, w2 as unknown as Tensor2D), b2);
      return tf.mean(tf.square(tf.sub(guess, y))) as Scalar;
    }, weights);
    count.assign(tf.add(count, 1));
    for (const [index, weight] of weights.entries()) {
      const [m, v] = moments[index] as readonly [Variable, Variable];
      const gradient = grads[weight.name] as Tensor;
      m.assign(tf.add(tf.mul(m, 0.9), tf.mul(gradient, 0.1)));
      v.assign(tf.add(tf.mul(v, 0.99), tf.mul(tf.square(gradient), 0.01)));
      const mean = tf.div(m, tf.sub(1, tf.pow(0.9, count)));
      const square = tf.div(v, tf.sub(1, tf.pow(0.99, count)));
      weight.assign(tf.sub(weight, tf.mul(rate, tf.div(mean, tf.add(tf.sqrt(square), 1e-4)))));
    }
    return { loss };
  }, options);

  const losses = Array.from({ length: STEPS }, () =>
    tf.tidy(() => {
      const x = Array.from({ length: 12 }, () => [random.normal(), random.normal()] as const);
      const y = x.map(([a, b]) => [a * b]);
      const { loss } = step({
        x: tf.tensor2d(x as unknown as number[][]),
        y: tf.tensor2d(y),
        rate: tf.scalar(0.01),
      });
      return loss.arraySync();
    }),
  );
  const parameters = weights.map((weight) => weight.dataSync() as Float32Array);
  tf.dispose([...weights, ...moments.flat(), count]);
  step.dispose();
  return { losses, parameters };
}

/** A decoder that learns random sequences by AdamW, with clipping and batches of two lengths. */
function trainDecoder(sizes: DecoderSizes, options: CompileOptions): Run {
  const random = new Random(2);
  const model = createDecoder(sizes, { seed: 3 });
  const optimizer = new AdamW(model.parameters(), { maxGradNorm: 1, epsilon: 1e-6 });
  type Inputs = { tokenIds: Tensor2D; mask: Tensor2D } & AdamWRates;
  const step = compileStep(({ tokenIds, mask, ...rates }: Inputs) => {
    const { loss, gradients } = valueAndGradients(model.parameters(), () => ({
      loss: crossEntropy(model.forward(tokenIds), tokenIds, mask),
    }));
    return { loss, ...optimizer.update(gradients, rates, loss) };
  }, options);

  const losses = Array.from({ length: STEPS }, (_, index) =>
    tf.tidy(() => {
      const time = index % 5 === 4 ? 6 : 8;
      const ids = Array.from({ length: 4 * time }, () => random.integer(sizes.vocabSize) ** 2 % 5);
      const tokenIds = tf.tensor2d(ids, [4, time], "int32");
      const { loss } = step({ tokenIds, mask: tf.ones([4, time]), ...optimizer.rates(1e-3) });
      optimizer.updates += 1;
      return loss.arraySync();
    }),
  );
  const parameters = model.parameters().map(({ variable }) => variable.dataSync() as Float32Array);
  if (step.stats.route !== "eager")
    expect(step.stats).toMatchObject({ traces: 2, hits: STEPS - 2, cached: 2 });
  optimizer.dispose();
  model.dispose();
  step.dispose();
  return { losses, parameters };
}

describe.skipIf(!hasNative)("fifty steps compiled equal fifty steps eager", () => {
  let tensors: number;
  beforeAll(async () => {
    await useBackend("native");
    tensors = tf.memory().numTensors;
  });
  afterAll(() => {
    expect(tf.memory().numTensors, "tensors left behind").toBe(tensors);
  });

  it.each(ROUTES)("for a small network and Adam by hand (%s)", (route) => {
    expectSame(trainNetwork({ route }), trainNetwork({ compile: false }));
  });

  const sizes = { vocabSize: 11, contextLength: 8, hiddenSize: 16, layers: 2, heads: 4 };
  it.each(ROUTES)("for a GPT-2 and AdamW (%s)", (route) => {
    const gpt2 = { ...sizes, architecture: "gpt2" } as const;
    expectSame(trainDecoder(gpt2, { route }), trainDecoder(gpt2, { compile: false }));
  });

  it("for a Llama with grouped heads and AdamW", () => {
    const llama = { ...sizes, architecture: "llama", keyValueHeads: 2 } as const;
    expectSame(trainDecoder(llama, {}), trainDecoder(llama, { compile: false }));
  });

  it("gives the same bits however the run is divided, since no number comes from the trace", () => {
    const weight = tf.tidy(() => tf.variable(tf.zeros([3])));
    const run = (parts: readonly number[]): ArrayLike<number> => {
      freeing(() => weight.assign(tf.tensor1d([0.3, -0.7, 1.1])));
      for (const steps of parts) {
        const step = compileStep(({ x }: { x: Tensor1D }) => {
          weight.assign(tf.sub(weight, tf.mul(0.1, tf.softmax(tf.mul(weight, x)))));
          return { norm: tf.norm(weight) };
        });
        for (let i = 0; i < steps; i++) freeing(() => step({ x: tf.tensor1d([1.7, 0.3, -2.9]) }));
        step.dispose();
      }
      return weight.dataSync();
    };
    expect(run([1, 1, 6])).toEqual(run([8]));
    weight.dispose();
  });

  it("with XLA too", () => {
    const compute = ({ x }: { x: Tensor2D }) => ({ y: tf.sum(tf.tanh(tf.matMul(x, x, false, true)), 1) });
    const [compiled, x] = [
      compileStep(compute, { xla: true }),
      tf.tensor2d([
        [0.1, 0.2],
        [0.3, -0.4],
      ]),
    ];
    for (let i = 0; i < 2; i++) {
      freeing(() => check(compiled({ x }).y, compute({ x }).y));
    }
    x.dispose();
    compiled.dispose();
  });
});
