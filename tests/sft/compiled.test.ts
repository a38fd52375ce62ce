import { compileStep, nativeBackend, type Tensor, tf, useBackend } from "posttrain/backend";
import { addAdapter } from "posttrain/lora";
import { loadDecoder, modelPath } from "posttrain/model";
import { batchTensors, type SftOptions, type SftStep, trainSft } from "posttrain/sft";
import { AdamW, collate, GradientSum, onePerRow, type TrainingError } from "posttrain/training";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { learnStep } from "../../src/sft/step.js";
import { hasNative } from "../backend/compile/native.js";
import { countingExamples, tinyModel, weightsOf } from "./helpers.js";

const steady = { learningRate: 1e-2 };

const everything = {
  packing: true,
  maxLength: 24,
  batchSize: 2,
  gradientAccumulationSteps: 2,
  neftuneNoiseAlpha: 5,
} satisfies Partial<SftOptions>;

/** Trains a fresh model to the end; hands back every step, the weights, and how often JavaScript ran the model. */
async function trained({ adapted = false, ...options }: Partial<SftOptions> & { adapted?: boolean }) {
  const model = tinyModel();
  if (adapted) addAdapter(model, { r: 4, loraDropout: 0.2, targetModules: "all-linear" });
  const passes = vi.spyOn(model, "hidden");
  const steps: SftStep[] = [];
  try {
    const all = { model, examples: countingExamples(40), batchSize: 4, ...steady, ...options };
    for await (const step of trainSft(all)) steps.push(step);
    return { steps, weights: weightsOf(model), passes: passes.mock.calls.length };
  } finally {
    model.dispose();
  }
}

/** All that a run reports but how fast it was. */
const reported = (steps: readonly SftStep[]) =>
  steps.map(({ metrics }) => ({ ...metrics, tokens_per_second: 0 }));

describe.skipIf(!hasNative)("compiled training", () => {
  let tensors: number;
  const held = () => [
    tf.memory().numTensors,
    (nativeBackend()?.binding as unknown as { getNumOfTensors(): number }).getNumOfTensors(),
  ];
  beforeEach(async () => {
    await useBackend("native");
    tensors = tf.memory().numTensors;
  });
  afterEach(() => {
    expect(tf.memory().numTensors, "tensors left behind").toBe(tensors);
  });

  it.each<[string, Parameters<typeof trained>[0]]>([
    ["plain", {}],
    [
      "with weight decay, clipping and label smoothing",
      { weightDecay: 0.1, maxGradNorm: 0.1, labelSmoothing: 0.1 },
    ],
    ["packed, accumulated, with noise", everything],
    ["the same with gradient checkpointing", { ...everything, gradientCheckpointing: true }],
    ["a LoRA with dropout", { ...everything, adapted: true }],
  ])("equals eager training over 50 steps, bit for bit: %s", async (_, options) => {
    const compiled = await trained({ ...options, maxSteps: 50 });
    const eager = await trained({ ...options, maxSteps: 50, compile: false });
    expect(compiled.steps).toHaveLength(50);
    expect(eager.passes).toBeGreaterThanOrEqual(50);
    expect(compiled.passes, "passes that were traced").toBeLessThan(5);
    expect(reported(compiled.steps)).toEqual(reported(eager.steps));
    expect(compiled.weights).toEqual(eager.weights);
  });

  it("of the course's base model equals eager training, bit for bit", async () => {
    const runs = [true, false].map(async (compile) => {
      const model = await loadDecoder(modelPath("posttrain-base"));
      const examples = countingExamples(16);
      const options = { model, examples, batchSize: 4, learningRate: 1e-3, weightDecay: 0.1, maxSteps: 12 };
      for await (const _ of trainSft({ ...options, compile }));
      const weights = weightsOf(model);
      model.dispose();
      return weights;
    });
    const [compiled, eager] = await Promise.all(runs);
    expect(compiled).toEqual(eager);
  });

  it.each([
    ["the whole model", false],
    ["a LoRA with dropout", true],
  ])("is the same with gradient checkpointing, to the last step: %s", async (_, adapted) => {
    const options = { ...everything, adapted, maxSteps: 50 };
    const plain = await trained(options);
    const again = await trained({ ...options, gradientCheckpointing: true });
    expect(again.steps[0]?.metrics.grad_norm).toBeGreaterThan(0);
    expect(again.weights).toEqual(plain.weights);
  });

  it("goes on when the shape of the batches changes in the middle, as eager training does", async () => {
    const short = countingExamples(40);
    const long = countingExamples(40).map(({ tokenIds, mask }) => ({
      tokenIds: [...tokenIds, ...tokenIds, ...tokenIds],
      mask: [...mask, ...mask, ...mask],
    }));
    const options = { examples: [...short, ...long], epochs: 2, gradientAccumulationSteps: 2 };
    const compiled = await trained(options);
    const eager = await trained({ ...options, compile: false });
    expect(reported(compiled.steps)).toEqual(reported(eager.steps));
    expect(compiled.weights).toEqual(eager.weights);
  });

  it("traces once for each shape and forgets what it must", async () => {
    const model = tinyModel();
    const optimizer = new AdamW(model.parameters());
    const sum = new GradientSum([]);
    const step = compileStep(learnStep({ model, optimizer, sum, options: {} }), { cacheSize: 2 });
    const learn = (count: number): void => {
      const rows = onePerRow(countingExamples(count));
      const batch = collate(rows, { rows: count, maxLength: 64, padTokenId: 0 });
      const inputs = { ...batchTensors(batch, batch.supervised), ...optimizer.rates(1e-2) };
      tf.dispose([step(inputs), inputs] as unknown as Tensor[]);
    };
    for (const rows of [2, 3, 2, 3, 3, 2]) learn(rows);
    expect(step.stats).toMatchObject({ traces: 2, hits: 4, cached: 2 });
    for (const rows of [4, 5, 4, 5]) learn(rows);
    expect(step.stats).toMatchObject({ traces: 4, hits: 6, cached: 2 });
    learn(2);
    expect(step.stats).toMatchObject({ traces: 5, hits: 6, cached: 2 });
    step.dispose();
    for (const owner of [model, optimizer, sum]) owner.dispose();
  });

  it.each([1, 2])("meets a NaN as eager training does, with %d micro-batches a step", async (parts) => {
    const failure = async (compile: boolean) => {
      const model = tinyModel();
      let weights = {};
      const options = {
        model,
        examples: countingExamples(20),
        batchSize: 4,
        gradientAccumulationSteps: parts,
        compile,
        schedule: (step: number) => (step === 12 ? 1e30 : 1e-3), // the next step's loss cannot be finite
        maxSteps: 20,
      };
      const run = async () => {
        for await (const _ of trainSft(options)) weights = weightsOf(model);
      };
      const error = await run().catch((thrown: unknown) => thrown as TrainingError);
      expect(weightsOf(model)).toEqual(weights);
      model.dispose();
      return error;
    };
    const [compiled, eager] = [await failure(true), await failure(false)];
    expect(compiled?.code).toBe("training/not-finite");
    expect(compiled?.value).toMatchObject({ step: 14, examples: expect.any(Array) });
    expect(compiled?.message).toBe(eager?.message);
  });

  // With three micro-batches a step listens four times: before it begins, and before each of them.
  it.each([
    41, 42, 43, 44,
  ])("keeps the weights of the last whole step when it is interrupted at the %dth chance", async (chance) => {
    const model = tinyModel();
    const controller = new AbortController();
    const listen = controller.signal.throwIfAborted.bind(controller.signal);
    let chances = 0;
    controller.signal.throwIfAborted = () => {
      chances += 1;
      if (chances === chance) controller.abort(new Error("enough"));
      listen();
    };
    let weights = weightsOf(model);
    let done = 0;
    const run = async (signal?: AbortSignal) => {
      const options = { model, examples: countingExamples(36), batchSize: 4, gradientAccumulationSteps: 3 };
      for await (const { step } of trainSft({ ...options, ...steady, epochs: 10, signal })) {
        weights = weightsOf(model);
        done = step;
      }
    };
    await expect(run(controller.signal)).rejects.toThrow("enough");
    expect(done).toBe(10);
    expect(weightsOf(model)).toEqual(weights);
    expect(tf.memory().numTensors).toBe(tensors + model.parameters().length);
    await run(); // and it can be trained on
    expect(done).toBe(30);
    model.dispose();
  });

  it("holds as many tensors after a thousand steps as after twenty", async () => {
    const model = tinyModel();
    const counts: number[][] = [];
    const options = { model, examples: countingExamples(20), neftuneNoiseAlpha: 5, maxSteps: 1000 };
    for await (const { step } of trainSft(options)) if (step % 20 === 0) counts.push(held());
    expect(counts).toHaveLength(50);
    expect(new Set(counts.map(String)).size).toBe(1);
    model.dispose();
  });
});

describe.each(["wasm", "cpu"] as const)("on %s", (backend) => {
  it("compiling changes nothing", async () => {
    await useBackend(backend);
    try {
      const options = { ...everything, maxSteps: 10 };
      const [compiled, eager] = [await trained(options), await trained({ ...options, compile: false })];
      expect(compiled.weights).toEqual(eager.weights);
      expect(compiled.steps.map(({ metrics }) => metrics.loss)).toEqual(
        eager.steps.map(({ metrics }) => metrics.loss),
      );
    } finally {
      await useBackend();
    }
  });
});
