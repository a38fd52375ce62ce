import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tf, useBackend } from "posttrain/backend";
import {
  AdapterError,
  addAdapter,
  combineAdapters,
  deleteAdapter,
  disabled,
  type LoraConfig,
  listAdapters,
  loraModules,
  mergeAdapter,
  mergeAndUnload,
  saveAdapter,
  setAdapter,
  unmergeAdapter,
} from "posttrain/lora";
import { loadDecoder, saveDecoder } from "posttrain/model";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { baseWeights, freshModel, largestGap, logits, perturb } from "./helpers.js";

beforeAll(async () => {
  await useBackend();
});

beforeEach(() => {
  tf.disposeVariables();
});

const kinds: [string, "llama" | "qwen2" | "gpt2", LoraConfig][] = [
  ["LoRA on Llama", "llama", {}],
  ["LoRA on GPT-2's Conv1D", "gpt2", {}],
  ["rsLoRA on Qwen2", "qwen2", { useRslora: true }],
  ["DoRA on Llama", "llama", { useDora: true }],
  ["DoRA on GPT-2's Conv1D", "gpt2", { useDora: true }],
  ["PiSSA on GPT-2's Conv1D", "gpt2", { initLoraWeights: "pissa" }],
  ["DoRA from OLoRA on Llama", "llama", { initLoraWeights: "olora", useDora: true }],
  ["norms, head and biases in full", "llama", { modulesToSave: ["norm", "lm_head"], bias: "all" }],
  ["all biases of GPT-2", "gpt2", { bias: "all", modulesToSave: ["wte", "ln_f"] }],
];

describe.each(kinds)("merging %s", (_, family, config) => {
  const adapted = () => {
    const model = freshModel(family);
    const base = baseWeights(model);
    perturb(addAdapter(model, { r: 4, targetModules: "all-linear", ...config }));
    return { model, base, logits: logits(model) };
  };

  it("computes the same to 1e-5, and unmerging gives everything back bit for bit", () => {
    const { model, base, logits: before } = adapted();
    const tensors = tf.memory().numTensors;
    mergeAdapter(model);
    expect(listAdapters(model)[0]).toMatchObject({ active: true, merged: true });
    expect(model.linears().every(({ adapters }) => adapters.length === 0)).toBe(true);
    expect(largestGap(logits(model), before)).toBeLessThan(1e-5);
    expect(baseWeights(model)).toEqual(base);
    unmergeAdapter(model);
    expect(logits(model)).toEqual(before);
    expect(listAdapters(model)[0]).toMatchObject({ active: true, merged: false });
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it("unloads into a plain model of the same logits, which is saved and loaded as one", async () => {
    const { model, logits: before } = adapted();
    const parameters = Object.keys(baseWeights(model)).length;
    mergeAndUnload(model);
    expect(model.adapters.attached).toEqual([]);
    expect(model.parameters().every(({ trainable, substitute }) => trainable && !substitute)).toBe(true);
    expect(tf.memory().numTensors).toBe(parameters);
    const after = logits(model);
    expect(largestGap(after, before)).toBeLessThan(1e-5);

    const folder = mkdtempSync(join(tmpdir(), "posttrain-merge-"));
    await saveDecoder(model, folder);
    const loaded = await loadDecoder(folder);
    expect(logits(loaded)).toEqual(after);
  });
});

describe("merging several", () => {
  it("computes what they compute together, DoRA applied in their order", () => {
    const model = freshModel("llama");
    perturb(addAdapter(model, { targetModules: "all-linear", r: 2 }, { name: "a" }), 0.1, 1);
    perturb(addAdapter(model, { useDora: true }, { name: "b" }), 0.1, 2);
    for (const names of [
      ["a", "b"],
      ["b", "a"],
    ]) {
      setAdapter(model, names);
      const together = logits(model);
      mergeAdapter(model);
      expect(largestGap(logits(model), together)).toBeLessThan(1e-5);
    }
  });

  it("makes those named the ones at work", () => {
    const model = freshModel("llama");
    perturb(addAdapter(model, {}, { name: "a" }), 0.1, 1);
    const a = logits(model);
    perturb(addAdapter(model, {}, { name: "b" }), 0.1, 2);
    mergeAdapter(model, "a");
    expect(largestGap(logits(model), a)).toBeLessThan(1e-5);
    unmergeAdapter(model);
    expect(logits(model)).toEqual(a);
  });
});

describe("a merged model", () => {
  it("still shows its base in disabled", () => {
    const model = freshModel("gpt2");
    const base = logits(model);
    perturb(addAdapter(model));
    mergeAdapter(model);
    const merged = logits(model);
    expect(disabled(model, () => logits(model))).toEqual(base);
    expect(logits(model)).toEqual(merged);
  });

  it("is written for good even while its adapters are left out", () => {
    const model = freshModel("llama");
    perturb(addAdapter(model));
    const adapted = logits(model);
    disabled(model, () => mergeAndUnload(model));
    expect(largestGap(logits(model), adapted)).toBeLessThan(1e-5);
  });

  it.each<[string, LoraConfig]>([
    ["PiSSA", { initLoraWeights: "pissa" }],
    ["DoRA from OLoRA", { initLoraWeights: "olora", useDora: true }],
  ])("may be made while the base is shown: %s", async (_, config) => {
    const model = freshModel("llama");
    perturb(addAdapter(model, { r: 4, targetModules: "all-linear", ...config }));
    const before = logits(model);
    await disabled(model, async () => mergeAdapter(model));
    expect(listAdapters(model)).toMatchObject([{ merged: true }]);
    expect(largestGap(logits(model), before)).toBeLessThan(1e-5);
  });

  it.each(["wasm", "cpu"] as const)("computes the same on the %s backend", async (backend) => {
    const run = () => {
      const model = freshModel("gpt2");
      const config = { initLoraWeights: "pissa", useDora: true, modulesToSave: ["ln_f"], r: 3 } as const;
      perturb(addAdapter(model, config));
      mergeAdapter(model);
      const merged = logits(model);
      unmergeAdapter(model);
      const apart = logits(model);
      model.dispose();
      return { merged, apart };
    };
    const here = run();
    await useBackend(backend);
    try {
      const there = run();
      expect(largestGap(there.merged, here.merged)).toBeLessThan(1e-5);
      expect(largestGap(there.apart, here.apart)).toBeLessThan(1e-5);
      expect(tf.memory().numTensors).toBe(0);
    } finally {
      await useBackend();
    }
  });

  it("has nothing to train", () => {
    const model = freshModel("gpt2");
    addAdapter(model);
    mergeAdapter(model);
    expect(model.parameters().some(({ trainable }) => trainable)).toBe(false);
  });

  it("is taken apart by switching, adding and deleting", () => {
    const model = freshModel("llama");
    const base = logits(model);
    perturb(addAdapter(model, {}, { name: "a" }));
    const a = logits(model);
    mergeAdapter(model);
    addAdapter(model, {}, { name: "b" });
    expect(logits(model)).toEqual(base);
    mergeAdapter(model, ["a", "b"]);
    setAdapter(model, "a");
    expect(logits(model)).toEqual(a);
    mergeAdapter(model);
    deleteAdapter(model, "a");
    expect(logits(model)).toEqual(base);
    deleteAdapter(model, "b");
    model.dispose();
    expect(tf.memory().numTensors).toBe(0);
  });
});

describe("a broken adapter", () => {
  it.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ])("with %d in it is not merged, and the model stays as it was", (bad) => {
    const model = freshModel("llama");
    addAdapter(model, {}, { name: "other" });
    const before = logits(model);
    addAdapter(model, {}, { name: "broken" });
    setAdapter(model, "other");
    const tensors = tf.memory().numTensors;
    const module = loraModules(model, "broken")[1];
    if (module) tf.tidy(() => module.b.variable.assign(tf.fill(module.b.variable.shape, bad)));
    expect(() => mergeAdapter(model, "broken")).toThrow(AdapterError);
    expect(() => mergeAdapter(model, "broken")).toThrow(
      /"broken" would make model\.layers\.0\.self_attn\.v_proj\.weight/,
    );
    expect(model.adapters.active).toEqual(["other"]);
    expect(logits(model)).toEqual(before);
    mergeAdapter(model, "other");
    expect(() => mergeAdapter(model, "broken")).toThrow(/NaN or an infinity/);
    expect(listAdapters(model)).toMatchObject([{ merged: true }, { merged: false }]);
    setAdapter(model, "broken");
    expect(() => mergeAndUnload(model)).toThrow(/NaN or an infinity/);
    expect(model.adapters.active).toEqual(["broken"]);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it("is neither saved nor combined with another", async () => {
    const model = freshModel("llama");
    addAdapter(model, {}, { name: "other" });
    addAdapter(model, {}, { name: "broken" });
    const [, module] = loraModules(model, "broken");
    if (module) tf.tidy(() => module.a.variable.assign(tf.fill(module.a.variable.shape, Number.NaN)));
    const tensors = tf.memory().numTensors;
    const folder = mkdtempSync(join(tmpdir(), "posttrain-"));
    const place = join(folder, "broken");
    const message = /"broken" holds NaN or an infinity in .*layers\.0\.self_attn\.v_proj\.lora_A/;
    await expect(saveAdapter(model, place, { name: "broken" })).rejects.toThrow(message);
    expect(existsSync(place)).toBe(false);
    for (const combination of ["cat", "svd", "linear"] as const) {
      const combine = () =>
        combineAdapters(model, ["other", "broken"], [1, 1], { name: "both", combination });
      expect(combine).toThrow(message);
    }
    expect(listAdapters(model)).toHaveLength(2);
    expect(tf.memory().numTensors).toBe(tensors);
    rmSync(folder, { recursive: true });
  });

  it("is not needed to be told that nothing is there to merge", () => {
    const model = freshModel("llama");
    expect(() => mergeAdapter(model)).toThrow(/no adapter is at work/);
    addAdapter(model);
    setAdapter(model, []);
    expect(() => mergeAndUnload(model)).toThrow(/no adapter is at work/);
  });
});
