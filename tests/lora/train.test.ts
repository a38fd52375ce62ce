import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileStep, nativeBackend, tf, useBackend } from "posttrain/backend";
import { openSafetensors } from "posttrain/files";
import {
  addAdapter,
  deleteAdapter,
  disabled,
  type LoraConfig,
  loadAdapter,
  loraPlus,
  setAdapter,
} from "posttrain/lora";
import { generate, saveDecoder } from "posttrain/model";
import { type SftOptions, type SftStep, trainSft } from "posttrain/sft";
import { CheckpointError } from "posttrain/training";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { largestDifference } from "../model/helpers.js";
import { countingExamples, tinyModel } from "../sft/helpers.js";
import { baseWeights } from "./helpers.js";

beforeAll(async () => {
  await useBackend();
});

let model: ReturnType<typeof tinyModel>;
let folder: string;
beforeEach(() => {
  tf.disposeVariables();
  model = tinyModel();
  folder = mkdtempSync(join(tmpdir(), "posttrain-lora-"));
});

const config = { r: 4, loraAlpha: 8, targetModules: "all-linear" } satisfies LoraConfig;

async function train(
  options: Partial<SftOptions> = {},
  until = Number.POSITIVE_INFINITY,
): Promise<SftStep[]> {
  const steps: SftStep[] = [];
  const common = { model, examples: countingExamples(20), learningRate: 2e-2, compile: false };
  for await (const step of trainSft({ ...common, ...options })) {
    steps.push(step);
    if (step.step >= until) break;
  }
  return steps;
}

const adapterWeights = (): Record<string, Float32Array> =>
  Object.fromEntries(
    model.adapters.attached.flatMap((adapter) =>
      adapter.parameters().map(({ name, variable }) => [name, variable.dataSync() as Float32Array]),
    ),
  );

/** Everything a step reports but the time it took. */
const numbers = (steps: readonly SftStep[]): unknown[] =>
  steps.map(({ metrics }) => ({ ...metrics, tokens_per_second: 0 }));

describe("trainSft with an adapter", () => {
  it.each<[string, LoraConfig]>([
    ["LoRA", config],
    ["DoRA", { ...config, useDora: true }],
    ["rsLoRA from PiSSA", { ...config, useRslora: true, initLoraWeights: "pissa" }],
    ["LoRA with norms and biases", { ...config, modulesToSave: ["norm"], bias: "all" }],
  ])("learns, while the base stays bit for bit what it was: %s", async (_, config) => {
    for (const { variable } of model.parameters()) {
      if (variable.rank === 2) tf.tidy(() => variable.assign(tf.mul(variable, 15))); // a frozen base needs features
    }
    const base = baseWeights(model);
    const adapter = addAdapter(model, config);
    const before = adapterWeights();
    const steps = await train({ batchSize: 20, epochs: 8 });
    expect(steps.at(-1)?.metrics.loss).toBeLessThan((steps[0]?.metrics.loss ?? 0) / 2);
    expect(baseWeights(model)).toEqual(base);
    const after = adapterWeights();
    for (const { name } of adapter.parameters()) expect(after[name], name).not.toEqual(before[name]);
  });

  it("computes the same whether compiled or not", async () => {
    const run = async (compile: boolean) => {
      model = tinyModel();
      const base = baseWeights(model);
      addAdapter(model, { ...config, useDora: true, loraDropout: 0.1, modulesToSave: ["norm"] });
      const steps = await train({ compile, maxSteps: 12 });
      expect(baseWeights(model)).toEqual(base);
      return steps;
    };
    const [compiled, eager] = [await run(true), await run(false)];
    for (const [i, { metrics }] of eager.entries()) {
      for (const name of ["loss", "grad_norm"] as const) {
        expect(compiled[i]?.metrics[name]).toBeCloseTo(metrics[name], 4);
      }
    }
  });

  it("computes the same when blocks are computed again for the backward pass", async () => {
    const run = async (gradientCheckpointing: boolean) => {
      model = tinyModel();
      addAdapter(model, { ...config, useDora: true, loraDropout: 0.1 });
      return train({ gradientCheckpointing, maxSteps: 4 });
    };
    const [again, kept] = [await run(true), await run(false)];
    for (const [i, { metrics }] of kept.entries()) {
      for (const name of ["loss", "grad_norm"] as const) {
        expect(again[i]?.metrics[name]).toBeCloseTo(metrics[name], 5);
      }
    }
  });

  it("is the same on wasm", async () => {
    const run = async () => {
      model = tinyModel();
      addAdapter(model, { ...config, useDora: true, loraDropout: 0.1 });
      return train({ maxSteps: 3, batchSize: 4, gradientAccumulationSteps: 2 });
    };
    const here = await run();
    await useBackend("wasm");
    try {
      const there = await run();
      model.dispose();
      for (const [i, { metrics }] of here.entries()) {
        expect(there[i]?.metrics.loss).toBeCloseTo(metrics.loss, 4);
        expect(there[i]?.metrics.grad_norm).toBeCloseTo(metrics.grad_norm, 4);
      }
    } finally {
      await useBackend();
    }
  });

  it("keeps the number of tensors flat, also when the loop is left or aborted", async () => {
    addAdapter(model, { ...config, useDora: true, loraDropout: 0.1 });
    const before = tf.memory().numTensors;
    await train({ maxSteps: 3 });
    expect(tf.memory().numTensors).toBe(before);
    await train({ gradientAccumulationSteps: 2 }, 2);
    expect(tf.memory().numTensors).toBe(before);
    await expect(train({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    expect(tf.memory().numTensors).toBe(before);
  });

  it("stops when other adapters are at work than it began with, and goes on when they are back in time", async () => {
    const other = addAdapter(model, config, { name: "other" });
    addAdapter(model, config, { name: "mine" });
    const before = tf.memory().numTensors;
    const run = async (leaveAt: number) => {
      const common = { model, examples: countingExamples(20), maxSteps: 4, compile: false };
      for await (const { step } of trainSft(common)) {
        setAdapter(model, "other");
        if (step < leaveAt) setAdapter(model, "mine");
      }
    };
    await expect(run(2)).rejects.toThrow(/the adapter "mine" at work, but now it is "other"/);
    expect(tf.memory().numTensors).toBe(before);
    for (const { name, variable } of other.parameters()) {
      if (name.includes("lora_B")) expect(Math.max(...variable.dataSync())).toBe(0);
    }
    setAdapter(model, "mine");
    await expect(run(5)).resolves.toBeUndefined();
  });

  it("drops inputs in training only, and other ones each step", async () => {
    const losses = async (loraDropout: number, seed = 0) => {
      model = tinyModel();
      addAdapter(model, { ...config, loraDropout });
      const evaluation = countingExamples(3);
      return (await train({ maxSteps: 4, seed, evaluation, evalEvery: 1 })).map(({ metrics }) => metrics);
    };
    const [plain, dropped] = [await losses(0), await losses(0.5)];
    expect(dropped[0]?.loss).toBe(plain[0]?.loss); // B is 0: there is nothing to drop yet
    expect(dropped[1]?.eval_loss).not.toBe(plain[1]?.eval_loss);
    expect(numbers((await losses(0.5)).map((metrics) => ({ metrics }) as SftStep))).toEqual(
      numbers(dropped.map((metrics) => ({ metrics }) as SftStep)),
    );
  });

  it("hands LoRA+ on to the optimizer: B moves by the ratio, A as before", async () => {
    const moved = async (ratio: number) => {
      model = tinyModel();
      addAdapter(model, config);
      const before = adapterWeights();
      await train({ maxSteps: 1, schedule: "constant", rateFactor: loraPlus(ratio) });
      const after = adapterWeights();
      const [name] = Object.keys(before).filter((name) => name.includes("lora_B"));
      return (after[name as string] as Float32Array).map(
        (value, i) => value - (before[name as string]?.[i] ?? 0),
      );
    };
    const [once, four] = [await moved(1), await moved(4)];
    for (const [i, step] of four.entries()) expect(step).toBeCloseTo(4 * (once[i] ?? 0), 5);
  });
});

describe("a checkpoint", () => {
  it("holds the adapter only", async () => {
    const adapter = addAdapter(model, config);
    await train({ maxSteps: 2, outputFolder: folder });
    const checkpoint = join(folder, "checkpoint-2");
    expect(readdirSync(checkpoint).sort()).toEqual([
      "adapter.safetensors",
      "default",
      "optimizer.safetensors",
      "state.json",
    ]);
    const file = openSafetensors(join(checkpoint, "adapter.safetensors"));
    expect([...file.tensors.keys()].sort()).toEqual(
      adapter
        .parameters()
        .map(({ name }) => name)
        .sort(),
    );
    file.close();
    const optimizer = openSafetensors(join(checkpoint, "optimizer.safetensors"));
    expect(optimizer.tensors.size).toBe(2 * adapter.parameters().length);
    optimizer.close();
  });

  it.each<[string, LoraConfig]>([
    ["LoRA with dropout", { ...config, loraDropout: 0.2 }],
    [
      "DoRA from OLoRA, with a norm in full",
      { ...config, useDora: true, initLoraWeights: "olora", modulesToSave: ["norm"] },
    ],
  ])("lets a run go on to exactly the weights of one that was never stopped: %s", async (_, config) => {
    const common = { maxSteps: 8, batchSize: 4, outputFolder: folder, saveEvery: 4 };
    addAdapter(model, config);
    const straight = await train({ ...common, outputFolder: undefined, saveEvery: undefined });
    const weights = adapterWeights();

    model = tinyModel();
    addAdapter(model, config);
    await train(common, 4);
    model = tinyModel();
    addAdapter(model, config, { seed: 99 });
    const resumed = await train({ ...common, resumeFrom: folder });
    expect(adapterWeights()).toEqual(weights);
    expect(numbers(resumed)).toEqual(numbers(straight.slice(4)));
  });

  it.each<[string, RegExp, () => void]>([
    ["no adapter", /while training "default", but here no adapter/, () => {}],
    [
      "another configuration",
      /another configuration of the adapter "default"/,
      () => addAdapter(model, { r: 4 }),
    ],
    ["another name", /but here "other" is at work/, () => addAdapter(model, config, { name: "other" })],
    [
      "another base",
      /another base model/,
      () => {
        model = tinyModel(99);
        addAdapter(model, config);
      },
    ],
  ])("is refused by a model with %s, which it leaves as it was", async (_, message, prepare) => {
    addAdapter(model, config);
    await train({ maxSteps: 2, outputFolder: folder });
    model = tinyModel();
    prepare();
    const before = { ...baseWeights(model), ...adapterWeights() };
    const refused = train({ maxSteps: 4, resumeFrom: folder }).catch((error: unknown) => error);
    expect(await refused).toBeInstanceOf(CheckpointError);
    expect(String(await refused)).toMatch(message);
    expect({ ...baseWeights(model), ...adapterWeights() }).toEqual(before);
  });

  it.each<[string, number | undefined, RegExp]>([
    ["none", undefined, /rateFactor left out, not {"1":\d+,"16":\d+}/],
    ["that of another ratio", 4, /rateFactor {"1":\d+,"4":\d+}, not {"1":\d+,"16":\d+}/],
  ])("is refused with LoRA+ where its rule for the learning rates was %s", async (_, ratio, message) => {
    addAdapter(model, config);
    const rule = ratio === undefined ? {} : { rateFactor: loraPlus(ratio) };
    await train({ maxSteps: 2, outputFolder: folder, ...rule });
    const resumed = train({ maxSteps: 4, resumeFrom: folder, rateFactor: loraPlus(16) });
    await expect(resumed).rejects.toThrow(message);
    expect(await train({ maxSteps: 4, resumeFrom: folder, ...rule })).toHaveLength(2);
  });

  it("of a whole model is refused by one with an adapter", async () => {
    await train({ maxSteps: 1, outputFolder: folder });
    addAdapter(model, config);
    await expect(train({ maxSteps: 2, resumeFrom: folder })).rejects.toThrow(/while training no adapter/);
  });

  it.each<[string, LoraConfig]>([
    ["LoRA", config],
    ["PiSSA", { ...config, initLoraWeights: "pissa" }],
  ])("is loaded onto the base as an adapter: %s", async (_, config) => {
    addAdapter(model, config, { name: "mine" });
    await train({ maxSteps: 2, outputFolder: folder });
    const tokens = tf.tensor2d([[2, 3, 4, 5]], undefined, "int32");
    const trained = model.forward(tokens);
    deleteAdapter(model, "mine");
    await loadAdapter(model, join(folder, "checkpoint-2", "mine"));
    expect(largestDifference(model.forward(tokens), trained)).toBeLessThan(1e-5);
  });

  it("says in its state how the adapter was made", async () => {
    addAdapter(model, { ...config, targetModules: /.*\.[qv]_proj/ });
    await train({ maxSteps: 1, outputFolder: folder });
    const state = JSON.parse(readFileSync(join(folder, "checkpoint-1", "state.json"), "utf8"));
    expect(state.adapters.trained).toMatchObject([
      { name: "default", description: { r: 4, targetModules: "/.*\\.[qv]_proj/" } },
    ]);
  });
});

/** Counts the programs that TensorFlow's library takes in from now on, until it is asked how many. */
function countCompiled(): () => number {
  const backend = nativeBackend();
  if (!backend) throw new Error("this is about TensorFlow's library");
  const { binding } = backend;
  let count = 0;
  const defineFunction: typeof binding.defineFunction = (...definition) => {
    count += 1;
    binding.defineFunction?.(...definition);
  };
  backend.binding = Object.create(binding, { defineFunction: { value: defineFunction } });
  return () => {
    backend.binding = binding;
    return count;
  };
}

describe("generation", () => {
  const answer = async () =>
    (await generate(model, [2, 3, 4], { maxNewTokens: 6, temperature: 0 })).tokenIds[0];

  it("follows the adapter at work, also after switching back and forth", async () => {
    const base = await answer();
    addAdapter(model, config, { name: "up" });
    await train({ maxSteps: 9 });
    const up = await answer();
    expect(up).not.toEqual(base);
    addAdapter(model, config, { name: "fresh" });
    expect(await answer()).toEqual(base);
    const compiled = countCompiled();
    setAdapter(model, "up");
    expect(await answer()).toEqual(up);
    expect(await disabled(model, answer)).toEqual(base);
    expect(await answer()).toEqual(up);
    setAdapter(model, "fresh");
    expect(await answer()).toEqual(base);
    setAdapter(model, "up");
    expect(compiled()).toBe(0); // each of the three had been compiled before
    deleteAdapter(model, "fresh");
    expect(await answer()).toEqual(up);
    const anew = countCompiled();
    addAdapter(model, config, { name: "fresh" });
    expect(await answer()).toEqual(base);
    expect(anew()).toBeGreaterThan(0); // what was compiled for the deleted one went with it
    deleteAdapter(model, "up");
    expect(await answer()).toEqual(base);
  });
});

describe("disabled", () => {
  it("gives the reference policy within a compiled step", async () => {
    addAdapter(model, config);
    await train({ maxSteps: 4 });
    const tokens = tf.tensor2d([[2, 3, 4, 5]], undefined, "int32");
    const step = compileStep(({ tokens }: { tokens: tf.Tensor2D }) => ({
      policy: model.forward(tokens),
      reference: disabled(model, () => model.forward(tokens)),
    }));
    const { policy, reference } = step({ tokens });
    const [expectedPolicy, expectedReference] = [
      model.forward(tokens),
      disabled(model, () => model.forward(tokens)),
    ];
    const gap = (a: tf.Tensor, b: tf.Tensor) => tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]);
    expect(gap(policy, expectedPolicy)).toBeLessThan(1e-5);
    expect(gap(reference, expectedReference)).toBeLessThan(1e-5);
    expect(gap(policy, reference)).toBeGreaterThan(1e-3);
    step.dispose();
  });
});

describe("saveDecoder", () => {
  it("refuses a decoder with adapters, and says what to do", async () => {
    addAdapter(model, config);
    await expect(saveDecoder(model, folder)).rejects.toThrow(
      /adapters attached \(default\)[\s\S]*mergeAndUnload/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});
