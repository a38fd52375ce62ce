import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Tensor, type Tensor1D, type Tensor2D, tf, useBackend } from "posttrain/backend";
import { attachSubspace, intrinsicDimension, recoveredTable, Subspace } from "posttrain/diagnostics";
import { DataError, OptionError } from "posttrain/errors";
import { createDecoder, generate, type TransformerDecoder } from "posttrain/model";
import { evaluateSft, type SftOptions, trainSft } from "posttrain/sft";
import { valueAndGradients } from "posttrain/training";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { distance, rowsOf } from "./golden.js";
import { examples, sizes } from "./toy.js";

let model: TransformerDecoder;
beforeAll(async () => {
  await useBackend();
});
beforeEach(() => {
  model = createDecoder({ architecture: "llama", ...sizes }, { seed: 1 });
});
afterEach(() => model.dispose());

const tokens = () => tf.tensor2d([[1, 2, 3, 4]], [1, 4], "int32");

/** P written out, `[D, d]`: what moves when one number of z is 1, column by column. */
function writtenOut({ z, substitutes, dimension }: Subspace): Tensor2D {
  return tf.tidy(() => {
    const columns = Array.from({ length: dimension }, (_, i) => {
      z.variable.assign(tf.tensor1d(Array.from({ length: dimension }, (_, j) => (i === j ? 1 : 0))));
      const moved = [...substitutes].map(([before, after]) =>
        tf.reshape(tf.sub(after.variable as Tensor, before.variable as Tensor), [-1]),
      );
      return tf.concat(moved) as Tensor1D;
    });
    z.variable.assign(tf.zeros([dimension]));
    return tf.stack(columns, 1) as Tensor2D;
  });
}

async function train(options: Partial<SftOptions> = {}): Promise<number[]> {
  const losses: number[] = [];
  const settings = { model, examples, maxSteps: 12, batchSize: 8, learningRate: 0.1, seed: 5, ...options };
  for await (const { metrics } of trainSft(settings)) losses.push(metrics.loss);
  return losses;
}

describe("a random subspace", () => {
  it.each([1, 2, 3])("has a projection with orthonormal columns (seed %i)", (seed) => {
    const zeros = ["first", "second"].map((name, i) => {
      const variable = tf.variable(tf.zeros([9 + i, 5])); // subtracting a weight would round
      return { name, variable, trainable: true };
    });
    const subspace = new Subspace(zeros, { dimension: 7, seed });
    tf.tidy(() => {
      const projection = writtenOut(subspace);
      expect(projection.shape).toEqual([95, 7]);
      expect(distance(tf.matMul(projection, projection, true), tf.eye(7))).toBeLessThan(1e-6);
      const entries = tf.sum(tf.cast(tf.notEqual(projection, 0), "int32"), 1); // of every row
      expect(distance(entries, tf.ones([95], "int32"))).toBe(0);
    });
    subspace.dispose();
    tf.dispose(zeros.map(({ variable }) => variable));
  });

  it("starts at the model itself, and moves it by θ₀ + Pz while every weight of its own stays", () => {
    const input = tokens();
    const before = model.forward(input);
    const own = model.parameters();
    const values = own.map(({ variable }) => tf.clone(variable as Tensor));
    const subspace = attachSubspace(model, { dimension: 10, seed: 1 });
    const start = model.forward(input);
    subspace.z.variable.assign(tf.ones([10]));
    const moved = model.forward(input);
    expect(distance(start, before)).toBe(0);
    expect(distance(moved, before)).toBeGreaterThan(1e-3);
    for (const [i, { variable }] of own.entries()) expect(distance(variable, values[i] as Tensor)).toBe(0);
    tf.dispose([input, before, start, moved, ...values]);
  });

  it("has exactly the gradient that the chain rule gives, Pᵀ times that of all weights", () => {
    const input = tokens();
    const loss = () => ({ loss: tf.mean<tf.Scalar>(tf.square(model.forward(input))) });
    tf.tidy(() => {
      const full = valueAndGradients(model.parameters(), loss).gradients;
      const subspace = attachSubspace(model, { dimension: 6, seed: 2 });
      const { gradients } = valueAndGradients(model.parameters(), loss);
      expect(Object.keys(gradients)).toEqual(["subspace.z"]);
      const flat = tf.concat(
        [...subspace.substitutes.keys()].map(({ name }) => tf.reshape(full[name] as Tensor, [-1])),
      );
      const expected = tf.matMul(writtenOut(subspace), tf.reshape(flat, [-1, 1]), true);
      expect(distance(gradients["subspace.z"] as Tensor, tf.reshape(expected, [6]))).toBeLessThan(1e-4);
    });
    input.dispose();
  });

  it("is trained by trainSft, compiled as uncompiled, and gone without a trace when detached", async () => {
    const held = tf.memory().numTensors;
    const runs = [];
    for (const options of [{}, { compile: false }, { gradientCheckpointing: true }]) {
      const { name } = attachSubspace(model, { dimension: 60, seed: 3 });
      expect(model.parameters().filter(({ trainable }) => trainable)).toHaveLength(1);
      runs.push(await train(options));
      model.adapters.detach(name);
    }
    const [compiled, plain, checkpointed] = runs as [number[], number[], number[]];
    for (const [step, loss] of compiled.entries()) {
      expect(loss).toBeCloseTo(plain[step] ?? 0, 4);
      expect(loss).toBeCloseTo(checkpointed[step] ?? 0, 4);
    }
    expect(compiled.at(-1)).toBeLessThan((compiled[0] ?? 0) - 0.1);
    expect(model.parameters().every(({ trainable }) => trainable)).toBe(true);
    expect(tf.memory().numTensors).toBe(held);
  });

  it("moves every weight as far in a step as training in full does, at the rate it names", async () => {
    const own = model.parameters();
    const subspace = attachSubspace(model, { dimension: 50, seed: 7 });
    await train({ maxSteps: 1, learningRate: subspace.learningRateFor(1e-3), maxGradNorm: 0 });
    tf.tidy(() => {
      for (const parameter of own) {
        const moved = subspace.substitutes.get(parameter)?.variable as Tensor;
        const step = tf.abs(tf.sub(moved, parameter.variable as Tensor));
        expect(distance(step, tf.onesLike(step).mul(1e-3))).toBeLessThan(1e-5);
      }
    });
  });

  it("reaches more with more dimensions", async () => {
    const losses = [];
    for (const dimension of [1, 30, 1000]) {
      const { name } = attachSubspace(model, { dimension, seed: 4 });
      await train({ maxSteps: 30 });
      losses.push((await evaluateSft({ model, examples })).eval_loss);
      model.adapters.detach(name);
    }
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
  });

  it("generates with the moved weights, and with its own ones when the adapter is off", async () => {
    const plain = await generate(model, [1, 2, 3], { maxNewTokens: 4 });
    const { z, name } = attachSubspace(model, { dimension: 5, seed: 1 });
    z.variable.assign(tf.fill([5], 8));
    const moved = await generate(model, [1, 2, 3], { maxNewTokens: 4 });
    model.adapters.detach(name);
    const again = await generate(model, [1, 2, 3], { maxNewTokens: 4 });
    expect(again).toEqual(plain);
    expect(moved).not.toEqual(plain);
  });

  it("goes on from a checkpoint that holds z alone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "subspace-"));
    const begin = () => attachSubspace(model, { dimension: 20, seed: 6 });
    const whole = begin();
    const losses = await train({ outputFolder: folder, saveEvery: 6, keepCheckpoints: 5 });
    model.adapters.detach(whole.name);
    begin();
    const resumed = await train({ resumeFrom: join(folder, "checkpoint-6") });
    expect(resumed).toEqual(losses.slice(6));
    rmSync(folder, { recursive: true });
  });

  it("can be confined to some weights", () => {
    const { weights, substitutes } = attachSubspace(model, {
      dimension: 3,
      seed: 1,
      include: (name) => name.includes("q_proj"),
    });
    expect([...substitutes.keys()].map(({ name }) => name)).toEqual([
      "model.layers.0.self_attn.q_proj.weight",
      "model.layers.1.self_attn.q_proj.weight",
    ]);
    expect(weights).toBe(2 * 16 * 16);
  });

  it.each([
    ["no dimension", { dimension: 0 }],
    ["a fraction of one", { dimension: 1.5 }],
    ["more dimensions than weights", { dimension: 1e6 }],
    ["no weights at all", { dimension: 1, include: () => false }],
  ])("refuses %s, the model unchanged", (_, options) => {
    const held = tf.memory().numTensors;
    expect(() => attachSubspace(model, { seed: 1, ...options })).toThrow(OptionError);
    expect(tf.memory().numTensors).toBe(held);
    expect(model.adapters.attached).toHaveLength(0);
  });

  it("refuses a name that is taken", () => {
    attachSubspace(model, { dimension: 2, seed: 1 });
    expect(() => attachSubspace(model, { dimension: 2, seed: 2 })).toThrow(/named subspace already/);
  });
});

describe("the intrinsic dimension", () => {
  const curve = [
    { model: "scratch", dimension: 100, score: 0.5, baseline: 0.8 },
    { model: "scratch", dimension: 10, score: 0.2, baseline: 0.8 },
    { model: "scratch", dimension: 1000, score: 0.76, baseline: 0.8 },
    { model: "tuned", dimension: 10, score: 2, baseline: 1, start: 4 },
    { model: "tuned", dimension: 100, score: 1.1, baseline: 1, start: 4 },
  ];

  it("is the smallest dimension measured that recovers 90 % of what full training gains, for scores and losses", () => {
    const rows = rowsOf<{ model: string; d90: number; interpolated: number }>(intrinsicDimension(curve));
    expect(rows.map(({ model, d90 }) => [model, d90])).toEqual([
      ["scratch", 1000],
      ["tuned", 100],
    ]);
    // From 62.5 % at 100 to 95 % at 1000 the curve crosses 90 % after 11/13 of a decade.
    expect(rows[0]?.interpolated).toBeCloseTo(100 * 10 ** (0.275 / 0.325), 6);
  });

  it("is the first dimension when that suffices, and unknown when none does", () => {
    const at = (score: number) => [{ dimension: 10, score, baseline: 1 }];
    expect(rowsOf(intrinsicDimension(at(0.95)))).toEqual([
      { model: "", share: 0.9, d90: 10, interpolated: 10 },
    ]);
    expect(rowsOf(intrinsicDimension(at(0.5)))).toEqual([
      { model: "", share: 0.9, d90: null, interpolated: null },
    ]);
    expect(rowsOf(intrinsicDimension(at(0.5), 0.5))).toMatchObject([{ d90: 10 }]);
  });

  it("is read from a table of the share recovered, by model and rising dimension", () => {
    const rows = rowsOf<{ dimension: number; recovered: number }>(recoveredTable(curve));
    expect(rows.map(({ dimension }) => dimension)).toEqual([10, 100, 1000, 10, 100]);
    expect(rows.map(({ recovered }) => Number(recovered.toFixed(4)))).toEqual([
      0.25, 0.625, 0.95, 0.6667, 0.9667,
    ]);
  });

  it("refuses a baseline that is no better than the start, and scores that are not finite", () => {
    expect(() => recoveredTable([{ dimension: 1, score: 1, baseline: 2, start: 2 }])).toThrow(DataError);
    expect(() => recoveredTable([{ dimension: 1, score: Number.NaN, baseline: 2 }])).toThrow(DataError);
  });
});
