import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tf, useBackend } from "posttrain/backend";
import { createDecoder, type Decoder, loadDecoder } from "posttrain/model";
import { evaluateSft, type SftOptions, type SftStep, trainSft } from "posttrain/sft";
import { CheckpointError, crossEntropy, TrainingError } from "posttrain/training";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import golden from "../golden/sft.json";
import { countingExamples, tinyModel, weightsOf } from "./helpers.js";

beforeAll(async () => {
  await useBackend();
});

let model: ReturnType<typeof tinyModel>;
let folder: string;
beforeEach(() => {
  tf.disposeVariables();
  model = tinyModel();
  folder = mkdtempSync(join(tmpdir(), "posttrain-sft-"));
});

/** Trains the model; compiled only where a test asks for it, because tracing takes longer than the few steps. */
async function train(
  options: Partial<SftOptions> = {},
  until = Number.POSITIVE_INFINITY,
): Promise<SftStep[]> {
  const steps: SftStep[] = [];
  for await (const step of trainSft({
    model,
    examples: countingExamples(20),
    learningRate: 1e-2,
    compile: false,
    ...options,
  })) {
    steps.push(step);
    if (step.step >= until) break;
  }
  return steps;
}

/** The tiny Llama of the golden run: its weights follow from a formula. */
function goldenModel(): Decoder {
  const decoder = createDecoder(
    {
      architecture: "llama",
      vocabSize: 23,
      contextLength: 64,
      hiddenSize: 16,
      intermediateSize: 24,
      layers: 2,
      heads: 4,
      keyValueHeads: 2,
      headSize: 4,
    },
    { seed: 0 },
  );
  const byName = decoder.parameters().sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const [k, { variable }] of byName.entries()) {
    const wave = Float32Array.from({ length: variable.size }, (_, i) => Math.sin(0.7 * i + k * k));
    const values = wave.map((w) => (variable.rank === 1 ? 1 + 0.1 * w : 0.3 * w));
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
  return decoder;
}

describe("trainSft", () => {
  it.each(golden.runs)("equals TRL's SFTTrainer step by step: $name", async (run) => {
    const { batchSize, gradientAccumulationSteps, logs, evaluation } = run;
    const steps = await train({
      model: goldenModel(),
      examples: countingExamples(batchSize * gradientAccumulationSteps),
      evaluation: countingExamples(5),
      batchSize,
      gradientAccumulationSteps,
      compile: true,
      maxSteps: logs.length,
      learningRate: 3e-2,
      warmup: 2,
      schedule: { linear: "linear", cosine: "cosine", constant_with_warmup: "constant" }[
        run.schedule
      ] as "linear",
      weightDecay: run.weightDecay,
      maxGradNorm: run.maxGradNorm,
      labelSmoothing: run.labelSmoothing,
    });
    // TRL averages accuracy and entropy over micro-batches as if they had equally many tokens; we count tokens.
    const exact = ["loss", "grad_norm", "learning_rate", "num_tokens", "epoch"] as const;
    const perToken = gradientAccumulationSteps === 1 ? (["entropy", "mean_token_accuracy"] as const) : [];
    for (const [i, log] of logs.entries()) {
      for (const name of [...exact, ...perToken])
        expect(steps[i]?.metrics[name], name).toBeCloseTo(log[name], 4);
    }
    // TRL smooths the evaluation's loss too; ours is comparable between runs.
    if (run.labelSmoothing > 0) return;
    for (const [name, value] of Object.entries(evaluation)) {
      expect(steps.at(-1)?.metrics[name as "eval_loss"], name).toBeCloseTo(value, 4);
    }
  });

  it("gives every parameter the share of the learning rate that `rateFactor` says", async () => {
    const before = weightsOf(model);
    await train({ maxSteps: 1, rateFactor: ({ name }) => (name === "model.norm.weight" ? 0 : 1) });
    const after = weightsOf(model);
    const changed = Object.keys(after).filter((name) => String(after[name]) !== String(before[name]));
    expect(changed).not.toContain("model.norm.weight");
    expect(changed).toHaveLength(Object.keys(after).length - 1);
  });

  it("learns: the held-out loss falls and the answers come out right", async () => {
    const evaluation = countingExamples(9);
    const before = await evaluateSft({ model, examples: evaluation });
    const steps = await train({ evaluation, epochs: 30, learningRate: 2e-2 });
    const after = steps.at(-1)?.metrics;
    expect(after?.eval_loss).toBeLessThan(before.eval_loss / 3);
    expect(after?.eval_mean_token_accuracy).toBeGreaterThan(0.8);
    expect(after?.eval_perplexity).toBeCloseTo(Math.exp(after?.eval_loss ?? 0), 6);
  });

  it("gives the same gradient for one large batch and for small ones accumulated, however unequal in length", async () => {
    const examples = countingExamples(8);
    const large = await train({ examples, batchSize: 8, maxSteps: 3 });
    const weights = weightsOf(model);
    model = tinyModel();
    const small = await train({ examples, batchSize: 3, gradientAccumulationSteps: 3, maxSteps: 3 });
    for (const [i, { metrics }] of large.entries()) {
      for (const name of ["loss", "grad_norm", "perplexity", "mean_token_accuracy", "entropy"] as const) {
        expect(small[i]?.metrics[name], name).toBeCloseTo(metrics[name], 5);
      }
    }
    for (const [name, values] of Object.entries(weightsOf(model))) {
      const differences = values.map((value, i) => Math.abs(value - (weights[name]?.[i] ?? Number.NaN)));
      expect(Math.max(...differences), name).toBeLessThan(1e-5);
    }
  });

  it("computes the same whether compiled or not", async () => {
    const metricsOf = async (compile: boolean) => {
      model = tinyModel();
      const steps = await train({ compile, maxSteps: 12, weightDecay: 0.1, neftuneNoiseAlpha: 5 });
      return steps.map(({ metrics }) => metrics);
    };
    const [compiled, eager] = [await metricsOf(true), await metricsOf(false)];
    for (const [i, metrics] of eager.entries()) {
      for (const name of ["loss", "grad_norm", "entropy"] as const) {
        expect(compiled[i]?.[name]).toBeCloseTo(metrics[name], 4);
      }
    }
  });

  it.each(["wasm", "cpu"] as const)("computes the same on the %s backend", async (backend) => {
    const options = { maxSteps: 3, batchSize: 4, gradientAccumulationSteps: 2, packing: true, maxLength: 24 };
    const here = await train(options);
    await useBackend(backend);
    try {
      const before = tf.memory().numTensors;
      model = tinyModel();
      const there = await train(options);
      for (const [i, { metrics }] of here.entries()) {
        for (const name of ["loss", "grad_norm", "entropy"] as const) {
          expect(there[i]?.metrics[name], name).toBeCloseTo(metrics[name], 4);
        }
      }
      model.dispose();
      expect(tf.memory().numTensors).toBe(before);
    } finally {
      await useBackend();
    }
  });

  it("is the same run again with the same seed, and another with another", async () => {
    const losses = async (seed: number) => {
      model = tinyModel();
      return (await train({ seed, neftuneNoiseAlpha: 5, batchSize: 4 })).map(({ metrics }) => metrics.loss);
    };
    const first = await losses(3);
    expect(await losses(3)).toEqual(first);
    expect(await losses(4)).not.toEqual(first);
  });

  it("puts NEFTune's noise into training but not into evaluation", async () => {
    const examples = countingExamples(5);
    const [quiet] = await train({ examples, evaluation: examples, learningRate: 0, maxSteps: 1 });
    const [noisy] = await train({
      examples,
      evaluation: examples,
      learningRate: 0,
      maxSteps: 1,
      neftuneNoiseAlpha: 15,
    });
    expect(noisy?.metrics.loss).not.toBeCloseTo(quiet?.metrics.loss ?? 0, 3);
    expect(noisy?.metrics.eval_loss).toBe(quiet?.metrics.eval_loss);
  });

  it("evaluates every evalEvery steps and after the last", async () => {
    const steps = await train({ evaluation: countingExamples(3), evalEvery: 3, maxSteps: 7 });
    expect(steps.filter(({ metrics }) => "eval_loss" in metrics).map(({ step }) => step)).toEqual([3, 6, 7]);
  });

  it("reports what it had to cut", async () => {
    const notices: unknown[] = [];
    await train({ maxLength: 6, maxSteps: 1, onNotice: (notice) => notices.push(notice) });
    expect(notices).toMatchObject([
      { kind: "truncated", message: expect.stringMatching(/16 of 20 examples cut to 6/) },
    ]);
  });

  it.each<[string, Partial<SftOptions>, RegExp]>([
    ["no examples", { examples: [] }, /no example/],
    ["held-out examples of which there are none", { evaluation: [] }, /`evaluation` holds no example/],
    ["a run without a model", { model: undefined as never }, /no model to train/],
    ["a model that is only promised", { model: Promise.resolve() as never }, /note the await/],
    ["a seed that is no whole number", { seed: 0.5 }, /seed must be a whole number/],
    ["a learning rate that is no number", { learningRate: Number.NaN }, /learningRate/],
    ["a batch of half an example", { batchSize: 0.5 }, /batchSize/],
    ["a maxLength beyond the context", { maxLength: 65 }, /context is 64/],
    ["no epochs", { epochs: 0 }, /epochs/],
    ["a mask it does not know", { mask: "answer" as "full" }, /mask is "answer"/],
    ["a schedule it does not know", { schedule: "steep" as "linear" }, /schedule is "steep"/],
    ["checkpoints without a folder", { saveEvery: 2 }, /outputFolder/],
    ["a folder without checkpoints to resume", { resumeFrom: "nowhere" }, /cannot resume from nowhere/],
  ])("refuses %s and leaves no tensor behind", async (_, options, message) => {
    const before = tf.memory().numTensors;
    await expect(train(options)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("a run that is resumed", () => {
  it.each<[string, Partial<SftOptions>]>([
    ["plain", {}],
    [
      "packed, accumulated, with noise",
      {
        packing: true,
        maxLength: 16,
        batchSize: 2,
        gradientAccumulationSteps: 2,
        neftuneNoiseAlpha: 5,
        schedule: "cosine",
      },
    ],
  ])("ends with exactly the weights of one that was never stopped: %s", async (_, options) => {
    const common = {
      compile: true,
      batchSize: 4,
      weightDecay: 0.1,
      ...options,
      maxSteps: 10,
      outputFolder: folder,
      saveEvery: 5,
    };
    const straight = await train({ ...common, outputFolder: undefined, saveEvery: undefined });
    const weights = weightsOf(model);

    model = tinyModel();
    await train(common, 5);
    model = tinyModel(99);
    const resumed = await train({ ...common, resumeFrom: folder });
    expect(resumed.map(({ step }) => step)).toEqual([6, 7, 8, 9, 10]);
    expect(weightsOf(model)).toEqual(weights);
    const timeless = ({ metrics }: SftStep) => ({ ...metrics, tokens_per_second: 0 });
    expect(resumed.map(timeless)).toEqual(straight.slice(5).map(timeless));
  });

  it("refuses other data than it was saved with, before it changes the model", async () => {
    await train({ maxSteps: 2, outputFolder: folder });
    const weights = weightsOf(model);
    const other = train({ examples: countingExamples(21), maxSteps: 4, resumeFrom: folder });
    await expect(other).rejects.toThrow(CheckpointError);
    expect(weightsOf(model)).toEqual(weights);
  });

  it.each<[string, Partial<SftOptions>]>([
    ["learningRate 0.01, not 0.02", { learningRate: 0.02 }],
    ["epsilon left out, not 0.001", { epsilon: 1e-3 }],
    ['schedule "linear", not "a function"', { schedule: () => 1 }],
  ])("refuses other options than it was saved with, naming the first: %s", async (named, options) => {
    await train({ maxSteps: 2, outputFolder: folder });
    const refused = train({ maxSteps: 4, resumeFrom: folder, ...options });
    await expect(refused).rejects.toThrow(`was saved by a run with ${named}`);
    expect(await train({ maxSteps: 4, resumeFrom: folder })).toHaveLength(2); // more steps are the same run
  });

  it("leaves checkpoints that load as models, and only as many as asked", async () => {
    await train({ maxSteps: 5, outputFolder: folder, saveEvery: 1, keepCheckpoints: 2 });
    expect(readdirSync(folder).sort()).toEqual(["checkpoint-4", "checkpoint-5"]);
    expect(readdirSync(join(folder, "checkpoint-5")).sort()).toEqual([
      "config.json",
      "model.safetensors",
      "optimizer.safetensors",
      "state.json",
    ]);
    const loaded = await loadDecoder(join(folder, "checkpoint-5"));
    expect(weightsOf(loaded as typeof model)).toEqual(weightsOf(model));
  });
});

describe("a run that stops early", () => {
  /** The model still answers, and nothing but its weights is left. */
  const expectUsable = (tensors: number): void => {
    expect(tf.memory().numTensors).toBe(tensors);
    const ids = tf.tensor2d([[2, 3, 4]], undefined, "int32");
    const loss = tf.tidy(() => crossEntropy(model.forward(ids), ids, tf.ones([1, 3])));
    expect(loss.dataSync()[0]).toBeGreaterThan(0);
    tf.dispose([ids, loss]);
  };

  it("keeps the number of tensors flat over 100 steps and frees all but the model", async () => {
    const before = tf.memory().numTensors;
    const counts = new Set<number>();
    for await (const _ of trainSft({ model, examples: countingExamples(20), maxSteps: 100 })) {
      counts.add(tf.memory().numTensors);
    }
    expect(counts.size).toBe(1);
    expectUsable(before);
  });

  it.each([
    1, 2,
  ])("frees everything when the loop is left (%d micro-batches a step)", async (gradientAccumulationSteps) => {
    const before = tf.memory().numTensors;
    await train({ gradientAccumulationSteps, neftuneNoiseAlpha: 5 }, 2);
    expectUsable(before);
  });

  it("stops on its signal before the next batch, with the signal's reason", async () => {
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    const steps: number[] = [];
    const run = async () => {
      for await (const { step } of trainSft({
        model,
        examples: countingExamples(20),
        signal: controller.signal,
      })) {
        steps.push(step);
        if (step === 2) controller.abort(new Error("enough"));
      }
    };
    await expect(run()).rejects.toThrow("enough");
    expect(steps).toEqual([1, 2]);
    expectUsable(before);
  });

  it("hears the host's interrupt, which comes as an event between two steps", async () => {
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    const host = globalThis as { [key: symbol]: unknown };
    host[Symbol.for("posttrain.interrupt")] = controller.signal;
    setTimeout(() => controller.abort(), 20);
    try {
      await expect(train({ maxSteps: 100_000 })).rejects.toThrow(/abort/i);
    } finally {
      delete host[Symbol.for("posttrain.interrupt")];
    }
    expectUsable(before);
  });

  it("names step and examples when the loss is not finite, and keeps weights and checkpoint of the step before", async () => {
    const before = tf.memory().numTensors;
    const schedule = (step: number) => (step === 2 ? 1e30 : 1e-3);
    let weights = {};
    const run = async () => {
      const options = {
        model,
        examples: countingExamples(20),
        batchSize: 4,
        schedule,
        outputFolder: folder,
        saveEvery: 3,
      };
      for await (const _ of trainSft({ ...options, maxSteps: 10 })) weights = weightsOf(model);
    };
    const error = await run().catch((thrown: unknown) => thrown as TrainingError);
    expect(error).toBeInstanceOf(TrainingError);
    expect(error?.code).toBe("training/not-finite");
    expect(error?.message).toMatch(/step 4, on examples \d+, \d+, \d+, \d+/);
    expect(error?.value).toMatchObject({ step: 4, examples: expect.any(Array) });
    expect(weightsOf(model)).toEqual(weights);
    expect(readdirSync(folder)).toEqual(["checkpoint-3"]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe.each([true, false])("a run in which other parameters become trainable (compiled: %s)", (compile) => {
  it.each([
    ["freezing", "now it is frozen", true],
    ["unfreezing", "now it is trainable", false],
  ])("is refused before the next step: %s", async (_, message, atFirst) => {
    const changed = model.parameters().slice(3, 5);
    for (const parameter of changed) parameter.trainable = atFirst;
    const before = tf.memory().numTensors;
    const options = { model, examples: countingExamples(40), batchSize: 4, maxSteps: 12, compile };
    const counts = new Set<number>();
    let weights = {};
    let done = 0;
    const run = async () => {
      for await (const { step } of trainSft(options)) {
        done = step;
        weights = weightsOf(model);
        counts.add(tf.memory().numTensors);
        if (step === 6) for (const parameter of changed) parameter.trainable = !atFirst;
      }
    };
    const error = await run().catch((thrown: unknown) => thrown as TrainingError);
    expect(error).toBeInstanceOf(TrainingError);
    expect(error?.code).toBe("sft/trainable-changed");
    expect(error?.message).toContain(`${changed[0]?.name} `);
    expect(error?.message).toContain(message);
    expect(error?.value).toEqual(changed.map(({ name }) => name));
    expect(done).toBe(6);
    expect(weightsOf(model)).toEqual(weights);
    expect(counts.size).toBe(1);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("goes on when what was frozen between two steps is trainable again", async () => {
    const [parameter] = model.parameters();
    const options = { model, examples: countingExamples(40), batchSize: 4, maxSteps: 6, compile };
    let done = 0;
    for await (const { step } of trainSft(options)) {
      if (parameter) parameter.trainable = false;
      await evaluateSft({ model, examples: countingExamples(4) });
      if (parameter) parameter.trainable = true;
      done = step;
    }
    expect(done).toBe(6);
  });
});

describe("a schedule of one's own", () => {
  it.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -1,
  ])("is refused at the step where it gives %d, before a weight changes", async (rate) => {
    const before = tf.memory().numTensors;
    const weights = weightsOf(model);
    const refused = train({ schedule: () => rate, maxSteps: 2 });
    await expect(refused).rejects.toThrow(`learning rate at step 1 is ${rate}`);
    expect(weightsOf(model)).toEqual(weights);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("evaluateSft", () => {
  it("is the cross-entropy of the answers, whatever the batch size", async () => {
    const examples = countingExamples(7);
    const sums = examples.map(({ tokenIds, mask }) => {
      const tokens = mask.filter(Boolean).length;
      const loss = tf.tidy(() => {
        const ids = tf.tensor2d([...tokenIds], [1, tokenIds.length], "int32");
        return crossEntropy(model.forward(ids), ids, tf.tensor2d([...mask], [1, mask.length]));
      });
      return { sum: (loss.dataSync()[0] as number) * tokens, tokens };
    });
    const expected = sums.reduce((a, b) => a + b.sum, 0) / sums.reduce((a, b) => a + b.tokens, 0);
    for (const batchSize of [1, 3, 16]) {
      expect((await evaluateSft({ model, examples, batchSize })).eval_loss).toBeCloseTo(expected, 5);
    }
  });

  it("leaves no tensor behind", async () => {
    const before = tf.memory().numTensors;
    await evaluateSft({ model, examples: countingExamples(7), batchSize: 2 });
    expect(tf.memory().numTensors).toBe(before);
  });
});
