import { inspect } from "node:util";
import { tf, useBackend } from "posttrain/backend";
import {
  addAdapter,
  deleteAdapter,
  deltaWeight,
  disableAdapters,
  disabled,
  enableAdapters,
  type LoraConfig,
  listAdapters,
  loraModules,
  mergeAdapter,
  parameterTable,
  setAdapter,
} from "posttrain/lora";
import { generateStream } from "posttrain/model";
import { valueAndGradients } from "posttrain/training";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { baseWeights, freshModel, largestGap, logits, perturb, someTokens } from "./helpers.js";

beforeAll(async () => {
  await useBackend();
});

beforeEach(() => {
  tf.disposeVariables();
});

const families = ["llama", "qwen2", "gpt2"] as const;

describe("a fresh adapter", () => {
  it.each(families)("leaves the logits of %s as they were, bit for bit", (family) => {
    const model = freshModel(family);
    const before = logits(model);
    addAdapter(model, { targetModules: "all-linear" });
    expect(logits(model)).toEqual(before);
  });

  it("changes nothing of rows that are zero either, merged or not (DoRA)", () => {
    const model = freshModel("llama");
    for (const { weight } of model.linears().slice(0, 2)) {
      tf.tidy(() => weight.variable.assign(tf.zerosLike(weight.variable)));
    }
    const before = logits(model);
    addAdapter(model, { useDora: true, targetModules: "all-linear" });
    expect(largestGap(logits(model), before)).toBeLessThan(1e-6);
    mergeAdapter(model);
    expect(largestGap(logits(model), before)).toBeLessThan(1e-6);
  });

  it.each(families)("adds s·BA to each product once B is not 0 (%s)", (family) => {
    const model = freshModel(family);
    perturb(addAdapter(model, { targetModules: "all-linear", r: 3, loraAlpha: 5 }));
    const adapted = logits(model);
    disableAdapters(model);
    for (const module of loraModules(model)) {
      const { variable } = module.linear.weight;
      tf.tidy(() => variable.assign(tf.add(variable, deltaWeight(module))));
    }
    expect(largestGap(logits(model), adapted)).toBeLessThan(1e-5);
  });

  it("has A of shape [r, in] and B of shape [out, r], named after PEFT", () => {
    const model = freshModel("llama");
    const [first] = loraModules(model, addAdapter(model, { r: 2 }, { name: "poet" }).name);
    expect(first?.path).toBe("model.layers.0.self_attn.q_proj");
    expect(first?.a.name).toBe("model.layers.0.self_attn.q_proj.lora_A.poet.weight");
    expect(first?.a.variable.shape).toEqual([2, 24]);
    expect(first?.b.variable.shape).toEqual([24, 2]);
    expect(first?.scale).toBe(4);
  });

  it("says what it is when it is looked at", () => {
    const model = freshModel("llama");
    const adapter = addAdapter(model, { r: 2, useDora: true });
    expect(String(adapter)).toBe('DoRA adapter "default": r 2, α 8, 4 projections, 384 parameters');
    expect(inspect(loraModules(model)[1])).toBe(
      "model.layers.0.self_attn.v_proj: A [2, 24], B [8, 2], s 4, with magnitudes",
    );
  });

  it("is drawn from its seed alone", () => {
    const draw = (seed: number) => {
      const adapter = addAdapter(freshModel("llama"), {}, { seed });
      return adapter.parameters().map(({ variable }) => [...variable.dataSync()]);
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it("is the only thing that gets gradients: B first, and A once B is not 0", () => {
    const model = freshModel("gpt2");
    const adapter = addAdapter(model, { targetModules: ["c_attn", "mlp.c_proj"] });
    const gradients = () => {
      const tokens = someTokens();
      const found = tf.tidy(() => {
        const loss = () => ({ loss: tf.mean(tf.square(model.forward(tokens))) as tf.Scalar });
        const { gradients } = valueAndGradients(model.parameters(), loss);
        return Object.entries(gradients).map(([name, gradient]) => [
          name,
          tf.max(tf.abs(gradient)).dataSync()[0],
        ]);
      });
      tokens.dispose();
      return Object.fromEntries(found) as Record<string, number>;
    };
    const atStart = gradients();
    expect(Object.keys(atStart).sort()).toEqual(
      adapter
        .parameters()
        .map(({ name }) => name)
        .sort(),
    );
    for (const [name, size] of Object.entries(atStart)) {
      if (name.includes("lora_A")) expect(size, name).toBe(0);
      else expect(size, name).toBeGreaterThan(0);
    }
    perturb(adapter);
    for (const [name, size] of Object.entries(gradients())) expect(size, name).toBeGreaterThan(0);
  });

  it("freezes the base, which becomes as trainable as it was when the last adapter goes", () => {
    const model = freshModel("llama");
    const [embedding, ...others] = model.parameters();
    if (embedding) embedding.trainable = false;
    addAdapter(model, {}, { name: "a" });
    addAdapter(model, {}, { name: "b" });
    expect(others.some(({ trainable }) => trainable)).toBe(false);
    deleteAdapter(model, "a");
    expect(others.some(({ trainable }) => trainable)).toBe(false);
    deleteAdapter(model, "b");
    expect(embedding?.trainable).toBe(false);
    expect(others.every(({ trainable }) => trainable)).toBe(true);
  });
});

describe("switching", () => {
  it("gives each adapter's logits back bit for bit, and the sum of both when both are at work", () => {
    const model = freshModel("llama");
    const base = logits(model);
    perturb(addAdapter(model, {}, { name: "a", seed: 1 }), 0.1, 1);
    const a = logits(model);
    perturb(addAdapter(model, { targetModules: "all-linear", r: 2 }, { name: "b", seed: 2 }), 0.1, 2);
    const b = logits(model);
    setAdapter(model, ["a", "b"]);
    const both = logits(model);
    setAdapter(model, "a");
    expect(logits(model)).toEqual(a);
    setAdapter(model, "b");
    expect(logits(model)).toEqual(b);
    setAdapter(model, []);
    expect(logits(model)).toEqual(base);
    for (const name of ["a", "b"]) {
      for (const module of loraModules(model, name)) {
        const { variable } = module.linear.weight;
        tf.tidy(() => variable.assign(tf.add(variable, deltaWeight(module))));
      }
    }
    expect(largestGap(logits(model), both)).toBeLessThan(1e-5);
  });

  it("makes only the adapters at work trainable", () => {
    const model = freshModel("llama");
    const a = addAdapter(model, {}, { name: "a" });
    const b = addAdapter(model, {}, { name: "b" });
    const trainable = () => [a, b].map((each) => each.parameters().every((parameter) => parameter.trainable));
    expect(trainable()).toEqual([false, true]);
    setAdapter(model, "a");
    expect(trainable()).toEqual([true, false]);
    disableAdapters(model);
    expect(trainable()).toEqual([false, false]);
    enableAdapters(model);
    expect(trainable()).toEqual([true, false]);
  });

  it("remembers what was frozen by hand", () => {
    const model = freshModel("llama");
    const [a] = loraModules(model, addAdapter(model, {}, { name: "a" }).name);
    if (a) a.a.trainable = false;
    addAdapter(model, {}, { name: "b" });
    setAdapter(model, "a");
    expect(a?.a.trainable).toBe(false);
    expect(a?.b.trainable).toBe(true);
  });
});

describe("disabled", () => {
  it("shows the base while its function runs, and the adapter again after it, after an error too", async () => {
    const model = freshModel("llama");
    const base = logits(model);
    perturb(addAdapter(model));
    const adapted = logits(model);
    expect(disabled(model, () => logits(model))).toEqual(base);
    expect(logits(model)).toEqual(adapted);
    expect(() =>
      disabled(model, () => {
        throw new Error("within");
      }),
    ).toThrow("within");
    expect(logits(model)).toEqual(adapted);
    const later = disabled(model, async () => {
      await Promise.resolve();
      return logits(model);
    });
    expect(await later).toEqual(base);
    const failed = disabled(model, () => Promise.reject(new Error("later")));
    await expect(failed).rejects.toThrow("later");
    expect(logits(model)).toEqual(adapted);
  });

  it("waits for anything that can be awaited", async () => {
    const model = freshModel("llama");
    const base = logits(model);
    perturb(addAdapter(model));
    const awaitable = {
      // biome-ignore lint/suspicious/noThenProperty: a promise of another library or realm looks like this
      then: (done: (seen: Float32Array) => void) => setImmediate(() => done(logits(model))),
    };
    expect(await disabled(model, () => awaitable)).toEqual(base);
    expect(logits(model)).not.toEqual(base);
  });

  it("refuses a stream, which would run when the adapters are back", () => {
    const model = freshModel("llama");
    perturb(addAdapter(model));
    const adapted = logits(model);
    expect(() => disabled(model, () => generateStream(model, [3, 4]))).toThrow(/within the function/);
    expect(logits(model)).toEqual(adapted);
  });

  it("may be nested and may overlap", async () => {
    const model = freshModel("llama");
    const base = logits(model);
    perturb(addAdapter(model));
    const adapted = logits(model);
    let finish: (() => void) | undefined;
    const slow = disabled(model, () => new Promise<void>((resolve) => (finish = resolve)));
    disabled(model, () => disabled(model, () => {}));
    expect(logits(model)).toEqual(base);
    finish?.();
    await slow;
    expect(logits(model)).toEqual(adapted);
  });
});

describe("the tables", () => {
  it("list the adapters", () => {
    const model = freshModel("llama");
    addAdapter(model, { r: 2 }, { name: "a" });
    addAdapter(model, { r: 4 }, { name: "b" });
    expect(listAdapters(model)).toMatchObject([
      { name: "a", active: false, merged: false, modules: 4, config: { r: 2, loraAlpha: 8 } },
      { name: "b", active: true, merged: false, modules: 4, config: { r: 4 } },
    ]);
  });

  it("count parameters and bytes by part: a frozen base costs neither gradients nor optimizer state", () => {
    const model = freshModel("llama");
    const base = model.parameters().reduce((sum, { variable }) => sum + variable.size, 0);
    expect(parameterTable(model).objects()).toEqual([
      { part: "base", parameters: base, trainable: base, bytes: 4 * base },
      { part: "gradients", parameters: 0, trainable: 0, bytes: 4 * base },
      { part: "optimizer", parameters: 0, trainable: 0, bytes: 8 * base },
    ]);
    addAdapter(model, { r: 2 }, { name: "a" });
    const added = 2 * (2 * (24 + 24) + 2 * (24 + 8)); // q and v in two layers
    expect(parameterTable(model).objects()).toEqual([
      { part: "base", parameters: base, trainable: 0, bytes: 4 * base },
      { part: "adapter a", parameters: added, trainable: added, bytes: 4 * added },
      { part: "gradients", parameters: 0, trainable: 0, bytes: 4 * added },
      { part: "optimizer", parameters: 0, trainable: 0, bytes: 8 * added },
    ]);
  });

  it.each<[string, LoraConfig, boolean]>([
    ["an adapter that keeps remainders of weights", { initLoraWeights: "pissa" }, false],
    ["a merged one with a norm of its own", { modulesToSave: ["norm"] }, true],
  ])("count every byte that is held: %s", (_, config, merges) => {
    const model = freshModel("llama");
    addAdapter(model, { r: 2, ...config });
    if (merges) mergeAdapter(model);
    const bytes = parameterTable(model).array("bytes") as number[];
    const weights = bytes.slice(0, -2).reduce((sum, each) => sum + each, 0); // without gradients and optimizer
    expect(weights).toBe(tf.memory().numBytes);
  });
});

describe("memory", () => {
  it("grows by the adapter's own weights and nothing else", () => {
    const model = freshModel("llama");
    const before = tf.memory().numBytes;
    const adapter = addAdapter(model, { targetModules: "all-linear" });
    const own = adapter.parameters().reduce((sum, { variable }) => sum + variable.size, 0);
    expect(tf.memory().numBytes - before).toBe(4 * own);
  });

  it("keeps the inputs of adapted projections for the backward pass, and nothing of frozen ones", () => {
    const kept = (targetModules: string[]): number => {
      const model = freshModel("llama");
      addAdapter(model, { targetModules });
      const tokens = someTokens();
      let most = 0;
      tf.tidy(() => {
        valueAndGradients(model.parameters(), () => {
          const loss = tf.mean(tf.square(model.hidden(tokens))) as tf.Scalar;
          most = tf.memory().numBytes;
          return { loss };
        });
      });
      model.dispose();
      tokens.dispose();
      return most;
    };
    const [layers, rows, hidden, wide] = [2, 12, 24, 64];
    expect(kept(["down_proj"]) - kept(["up_proj"])).toBe(4 * layers * rows * (wide - hidden));
  });

  it.each(families)("is what it was when adapters have come and gone (%s)", (family) => {
    const model = freshModel(family);
    const before = tf.memory().numTensors;
    const weights = baseWeights(model);
    const original = logits(model);
    for (const initLoraWeights of ["kaiming", "gaussian", "pissa", "olora"] as const) {
      const config = {
        targetModules: "all-linear",
        r: 2,
        useDora: true,
        bias: "all",
        initLoraWeights,
      } as const;
      perturb(addAdapter(model, config));
      logits(model);
      deleteAdapter(model, "default");
      expect(tf.memory().numTensors).toBe(before);
    }
    expect(baseWeights(model)).toEqual(weights);
    expect(logits(model)).toEqual(original);
    addAdapter(model);
    model.dispose();
    expect(tf.memory().numTensors).toBe(0);
  });
});
