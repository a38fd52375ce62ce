import { type Tensor2D, tf, useBackend } from "posttrain/backend";
import {
  adapterChanges,
  denseChange,
  normTable,
  rankTable,
  snapshotWeights,
  spectra,
  weightChanges,
} from "posttrain/diagnostics";
import { OptionError } from "posttrain/errors";
import { addAdapter, type LoraConfig, mergedWeight, setAdapter } from "posttrain/lora";
import { createDecoder, type TransformerDecoder } from "posttrain/model";
import { trainSft } from "posttrain/sft";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { distance, rowsOf } from "./golden.js";
import { examples, sizes } from "./toy.js";

interface RankRow {
  path: string;
  rank: number;
  frobenius_norm: number;
}

beforeAll(async () => {
  await useBackend();
});

async function train(model: TransformerDecoder, steps = 10): Promise<void> {
  for await (const _ of trainSft({ model, examples, maxSteps: steps, batchSize: 8, learningRate: 1e-2 }));
}

describe.each(["llama", "gpt2"] as const)("a %s trained in full", (architecture) => {
  let model: TransformerDecoder;
  beforeEach(() => {
    model = createDecoder({ architecture, ...sizes }, { seed: 1 });
  });
  afterEach(() => model.dispose());

  it("has not changed before, and afterwards by its weights' difference as [out, in]", async () => {
    const before = snapshotWeights(model);
    const linear = model.linears()[0] as ReturnType<TransformerDecoder["linears"]>[number];
    const original = tf.clone(linear.weight.variable as Tensor2D);
    for (const { frobenius_norm } of rowsOf<RankRow>(await normTable(weightChanges(before, model)))) {
      expect(frobenius_norm).toBe(0);
    }
    await train(model, 12); // more than a compiled step needs to be traced and used again
    const changes = weightChanges(before, model);
    expect(changes.map(({ path }) => path)).toEqual(model.linears().map(({ path }) => path));
    const [first] = changes;
    tf.tidy(() => {
      const change = first?.change() as Tensor2D;
      const difference = tf.sub<Tensor2D>(linear.weight.variable as Tensor2D, original);
      expect(change.shape).toEqual([linear.sizes.out, linear.sizes.in]);
      expect(distance(change, linear.layout === "outIn" ? difference : tf.transpose(difference))).toBe(0);
      expect(distance(before.get(linear.weight.name), original)).toBe(0);
      expect(tf.max(tf.abs(change)).dataSync()[0]).toBeGreaterThan(0.01);
    });
    tf.dispose(original);
    before.dispose();
  });

  it("gets its weights back from the snapshot, which can be taken and disposed of without a trace", async () => {
    const tokens = tf.tensor2d([[1, 2, 3]], [1, 3], "int32");
    const logits = model.forward(tokens);
    const held = tf.memory().numTensors;
    const before = snapshotWeights(model);
    await train(model);
    before.restore(model);
    const again = model.forward(tokens);
    expect(distance(again, logits)).toBe(0);
    again.dispose();
    expect(() => before.get("lm_head.other")).toThrow(OptionError);
    before.dispose();
    expect(tf.memory().numTensors).toBe(held);
    tf.dispose([tokens, logits]);
  });
});

describe.each(["llama", "gpt2"] as const)("an adapter on a %s", (architecture) => {
  let model: TransformerDecoder;
  beforeEach(() => {
    model = createDecoder({ architecture, ...sizes }, { seed: 1 });
  });
  afterEach(() => model.dispose());

  const configs: [string, LoraConfig][] = [
    ["plain", {}],
    ["with rsLoRA's scale", { useRslora: true }],
    ["with DoRA", { useDora: true }],
    ["started by PiSSA", { initLoraWeights: "pissa" }],
  ];
  it.each(configs)("changes every adapted weight by what merging would: %s", async (_, config) => {
    const adapter = addAdapter(model, { r: 3, targetModules: "all-linear", ...config });
    await train(model);
    const changes = adapterChanges(model);
    expect(changes.length).toBe(adapter.layers.size);
    tf.tidy(() => {
      for (const [i, layer] of [...adapter.layers.values()].entries()) {
        const { weight, layout } = layer.linear;
        const moved = tf.sub<Tensor2D>(mergedWeight(layer), weight.variable as Tensor2D);
        const expected = layout === "outIn" ? moved : tf.transpose(moved);
        const change = changes[i]?.change();
        expect(distance(denseChange(change as Tensor2D), expected)).toBeLessThan(1e-5);
        expect(tf.max(tf.abs(expected)).dataSync()[0]).toBeGreaterThan(1e-3);
      }
    });
  });

  it.each<[string, LoraConfig]>([
    ["DoRA", { useDora: true }],
    ["DoRA from PiSSA", { useDora: true, initLoraWeights: "pissa" }],
  ])("changes as much when another one is at work: %s", async (_, config) => {
    addAdapter(model, { r: 3, ...config }, { name: "first" });
    await train(model);
    const norms = async () => (await normTable(adapterChanges(model, "first"))).objects();
    const atWork = await norms();
    addAdapter(model, { r: 3, initLoraWeights: "pissa" }, { name: "second" });
    expect(await norms()).toEqual(atWork);
    setAdapter(model, []);
    expect(await norms()).toEqual(atWork);
  });

  it("has at most its own rank in every layer, and leaves no tensor behind when looked at", async () => {
    addAdapter(model, { r: 3, targetModules: "all-linear" });
    await train(model);
    const held = tf.memory().numTensors;
    const rows = rowsOf<RankRow>(rankTable(await spectra(adapterChanges(model))));
    for (const { rank } of rows) expect(rank).toBeLessThanOrEqual(3);
    expect(rows.some(({ rank }) => rank === 3)).toBe(true);
    expect(tf.memory().numTensors).toBe(held);
  });
});
