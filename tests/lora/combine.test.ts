import { join } from "node:path";
import { Random, singularValues, type Tensor, type Tensor2D, tf, useBackend } from "posttrain/backend";
import {
  type AdapterCombination,
  addAdapter,
  combineAdapters,
  deleteAdapter,
  deltaWeight,
  type LoraConfig,
  type LoraLayer,
  listAdapters,
  loadAdapter,
  loraModules,
  setAdapter,
} from "posttrain/lora";
import type { TransformerDecoder } from "posttrain/model";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import golden from "../golden/lora.json";
import { largestDifference } from "../model/helpers.js";
import { goldenAdapter, readTensors, tinyBase } from "./golden.js";
import { freshModel, largestGap, logits, perturb, taken } from "./helpers.js";

beforeAll(() => useBackend());

describe.each(golden.combinations)("PEFT's combination $name", (combined) => {
  const base = tinyBase();
  base.use(combined.model);

  it("has PEFT's change of every weight, and PEFT's logits", async () => {
    const { adapters, folder, weights, rank } = combined;
    for (const name of adapters) await loadAdapter(base.model, join(goldenAdapter(folder), name), { name });
    const adapter = combineAdapters(base.model, adapters, weights, {
      name: "new",
      combination: combined.combination as AdapterCombination,
      ...(rank !== null && { rank }),
    });
    tf.tidy(() => {
      const answers = readTensors(`${goldenAdapter(combined.name)}.safetensors`);
      const changes = [...answers.keys()].filter((key) => key.startsWith("change."));
      expect([...adapter.layers.keys()].map(({ path }) => `change.${path}`).sort()).toEqual(changes.sort());
      for (const { a, b, path, scale } of adapter.layers.values()) {
        expect(scale).toBe(1);
        const change = tf.matMul(b.variable as Tensor2D, a.variable as Tensor2D); // [out, in]
        expect(largestDifference(change, answers.get(`change.${path}`) as Tensor), path).toBeLessThan(1e-5);
      }
      const answer = answers.get("logits") as Tensor;
      expect(largestDifference(base.model.forward(base.ids), answer)).toBeLessThan(1e-4);
    });
  });
});

describe("combineAdapters", () => {
  let model: TransformerDecoder;
  const add = (name: string, config: LoraConfig, phase: number) =>
    perturb(addAdapter(model, config, { name, seed: phase }), 0.1, phase);

  beforeEach(() => {
    model = freshModel("llama");
    add("first", { r: 3, loraAlpha: 6, targetModules: ["q_proj", "up_proj"] }, 1);
    add("second", { r: 3, useRslora: true, targetModules: ["q_proj", "down_proj"] }, 2);
  });
  afterEach(() => model.dispose());

  const combine = (weights: number[], combination: AdapterCombination, rank?: number) =>
    combineAdapters(model, ["first", "second"], weights, {
      name: "both",
      combination,
      ...(rank && { rank }),
    });

  it("computes by cat exactly what both adapters compute together", () => {
    setAdapter(model, ["first", "second"]);
    const together = logits(model);
    combine([1, 1], "cat");
    expect(largestGap(logits(model), together)).toBeLessThan(1e-5);
  });

  it("takes an adapter's effect away with a weight of -1", () => {
    setAdapter(model, []);
    const plain = logits(model);
    combineAdapters(model, ["first", "first"], [1, -1], { name: "nothing", combination: "cat" });
    expect(largestGap(logits(model), plain)).toBeLessThan(1e-5);
  });

  it("loses nothing by svd when the rank is that of cat", () => {
    combine([0.5, 2], "cat");
    const exact = logits(model);
    deleteAdapter(model, "both");
    combine([0.5, 2], "svd", 6);
    expect(largestGap(logits(model), exact)).toBeLessThan(1e-4);
  });

  it("comes by svd as near as the singular values that are left out", () => {
    const random = new Random(7);
    for (const { a, b } of [...loraModules(model, "first"), ...loraModules(model, "second")]) {
      for (const { variable } of [a, b]) {
        const drawn = Float32Array.from({ length: variable.size }, () => random.normal());
        tf.tidy(() => variable.assign(tf.tensor(drawn, variable.shape)));
      }
    }
    const change = (): Tensor2D => deltaWeight(loraModules(model, "both")[0] as LoraLayer); // of rank 6
    combine([1, 1], "cat");
    const exact = change();
    const sigma = taken(singularValues(exact));
    deleteAdapter(model, "both");
    for (const rank of [1, 2, 4, 6]) {
      combine([1, 1], "svd", rank);
      const distance = taken(tf.tidy(() => tf.norm(tf.sub(exact, change()))))[0];
      expect(distance).toBeCloseTo(Math.hypot(...sigma.slice(rank)), 3);
      deleteAdapter(model, "both");
    }
    exact.dispose();
  });

  it("has cross terms by linear: B of each times A of the other", () => {
    const of = (name: string) => {
      const layer = loraModules(model, name).find(({ path }) => path.endsWith("0.self_attn.q_proj"));
      if (!layer) throw new Error("not adapted");
      return { a: layer.a.variable as Tensor2D, b: layer.b.variable as Tensor2D, s: layer.scale };
    };
    combine([1, 1], "linear");
    tf.tidy(() => {
      const [one, two, both] = [of("first"), of("second"), of("both")];
      const product = ({ b }: typeof one, { a }: typeof one, factor: number) =>
        tf.mul(tf.matMul(b, a), factor);
      const root = Math.sqrt(one.s * two.s);
      const expected = tf.addN([
        product(one, one, one.s),
        product(two, two, two.s),
        product(one, two, root),
        product(two, one, root),
      ]);
      expect(largestDifference(tf.matMul(both.b, both.a), expected)).toBeLessThan(1e-5);
    });
  });

  it("joins an adapter that took its start out of the base (PiSSA) with a plain one", () => {
    add("principal", { r: 2, targetModules: ["q_proj"], initLoraWeights: "pissa" }, 3);
    setAdapter(model, ["first", "principal"]);
    const together = logits(model);
    const { config } = combineAdapters(model, ["first", "principal"], [1, 1], {
      name: "both",
      combination: "cat",
    });
    expect(config.r).toBe(3 + 2 * 2);
    expect(largestGap(logits(model), together)).toBeLessThan(1e-4);
  });

  it("is at work when it is made, can be trained, and leaves the others as they were", () => {
    const before = taken(tf.clone(loraModules(model, "first")[0]?.a.variable as Tensor));
    combine([1, 1], "svd");
    expect(listAdapters(model).map(({ name, active }) => [name, active])).toEqual([
      ["first", false],
      ["second", false],
      ["both", true],
    ]);
    expect(loraModules(model, "both").every(({ a, b }) => a.trainable && b.trainable)).toBe(true);
    expect(loraModules(model, "first")[0]?.a.variable.dataSync()).toEqual(before);
  });

  it.each([
    ["an unknown adapter", () => combineAdapters(model, ["third"], [1], { name: "x" }), /no adapter "third"/],
    [
      "a name that is taken",
      () => combineAdapters(model, ["first"], [1], { name: "second" }),
      /"second" is attached/,
    ],
    ["no name", () => combineAdapters(model, ["first"], [1], {} as never), /Name the new adapter/],
    [
      "a name for a list",
      () => combineAdapters(model, "first" as never, [1], { name: "x" }),
      /names cannot be/,
    ],
    [
      "no weights",
      () => combineAdapters(model, ["first"], undefined as never, { name: "x" }),
      /one for each of first/,
    ],
    ["no adapter at all", () => combineAdapters(model, [], [], { name: "x" }), /Name the adapters/],
    [
      "too few weights",
      () => combineAdapters(model, ["first", "second"], [1], { name: "x" }),
      /one for each/,
    ],
    ["a weight that is NaN", () => combine([1, Number.NaN], "cat"), /weights cannot be "NaN"/],
    ["a rank of 0", () => combineAdapters(model, ["first"], [1], { name: "x", rank: 0 }), /rank cannot be 0/],
    ["an unknown combination", () => combine([1, 1], "ties" as AdapterCombination), /"ties"/],
  ])("refuses %s and leaves the model as it was", (_, act, message) => {
    const [tensors, before] = [tf.memory().numTensors, logits(model)];
    expect(act).toThrow(message);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(listAdapters(model)).toHaveLength(2);
    expect(logits(model)).toEqual(before);
  });

  it.each([
    ["DoRA", { useDora: true }, /rescales/],
    ["a module of its own", { modulesToSave: ["lm_head"] }, /whole weights of its own/],
  ])("refuses an adapter with %s", (_, config, message) => {
    add("other", { r: 3, targetModules: ["q_proj"], ...config }, 4);
    expect(() => combineAdapters(model, ["first", "other"], [1, 1], { name: "x" })).toThrow(message);
  });

  it("refuses to add up factors of different ranks, naming the module and both", () => {
    add("wider", { r: 5, targetModules: ["q_proj"] }, 5);
    const act = () =>
      combineAdapters(model, ["first", "wider"], [1, 1], { name: "x", combination: "linear" });
    const tensors = tf.memory().numTensors;
    expect(act).toThrow(/layers\.0\.self_attn\.q_proj their ranks are 3, 5/);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it("leaves no tensor behind but those of the new adapter", () => {
    const tensors = tf.memory().numTensors;
    for (const combination of ["cat", "svd", "linear"] as const) {
      const adapter = combine([1, 0.5], combination);
      expect(tf.memory().numTensors).toBe(tensors + adapter.parameters().length);
      deleteAdapter(model, "both");
      expect(tf.memory().numTensors).toBe(tensors);
    }
  });
});
