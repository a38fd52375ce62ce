import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Scalar, type Tensor, type Tensor2D, tf, useBackend } from "posttrain/backend";
import {
  addAdapter,
  deltaWeight,
  loadAdapter,
  loraModules,
  mergeAndUnload,
  saveAdapter,
} from "posttrain/lora";
import { crossEntropy } from "posttrain/training";
import { beforeAll, describe, expect, it } from "vitest";
import golden from "../golden/lora.json";
import { largestDifference } from "../model/helpers.js";
import { goldenAdapter, readTensors, tinyBase } from "./golden.js";

// golden/lora.json and golden/lora/ are written by golden/lora.py with peft==0.21.2
const base = tinyBase();

/** The gradient that PEFT found for one of the adapter's weights. Biases are trained in place there, not as copies. */
const gradientKey = (answers: ReadonlyMap<string, Tensor>, name: string): string | undefined => {
  const plain = name
    .replace(".default.", ".")
    .replace("lora_magnitude_vector.weight", "lora_magnitude_vector");
  return [plain, plain.replace("modules_to_save", "base_layer"), plain.replace(".modules_to_save", "")]
    .map((each) => `gradient.base_model.model.${each}`)
    .find((key) => answers.has(key));
};

beforeAll(() => useBackend());

describe.each(golden.adapters)("PEFT's $name", ({ name, model: of, loss, scales }) => {
  base.use(of);

  it("gives PEFT's logits", async () => {
    await loadAdapter(base.model, goldenAdapter(name));
    tf.tidy(() => {
      const { logits } = Object.fromEntries(readTensors(join(goldenAdapter(name), "answers.safetensors")));
      expect(largestDifference(base.model.forward(base.ids), logits as Tensor)).toBeLessThan(1e-4);
    });
  });

  it("adapts PEFT's modules with PEFT's scales", async () => {
    await loadAdapter(base.model, goldenAdapter(name));
    const found = loraModules(base.model).map(({ path, scale }): [string, number] => [path, scale]);
    expect(Object.fromEntries(found)).toEqual(scales);
  });

  it("has PEFT's loss, and PEFT's gradient in all that trains", async () => {
    await loadAdapter(base.model, goldenAdapter(name));
    tf.tidy(() => {
      const answers = readTensors(join(goldenAdapter(name), "answers.safetensors"));
      const trained = base.model.parameters().filter(({ trainable }) => trainable);
      const { value, grads } = tf.variableGrads(
        () => crossEntropy(base.model.forward(base.ids), base.ids, tf.onesLike(base.ids)) as Scalar,
        trained.map(({ variable }) => variable),
      );
      expect(value.dataSync()[0]).toBeCloseTo(loss, 4);
      const expected = [...answers.keys()].filter((key) => key.startsWith("gradient."));
      expect(trained.map(({ name }) => gradientKey(answers, name)).sort()).toEqual(expected.sort());
      for (const { name, variable } of trained) {
        const answer = answers.get(gradientKey(answers, name) as string) as Tensor;
        expect(largestDifference(grads[variable.name] as Tensor, answer), name).toBeLessThan(1e-4);
      }
    });
  });

  it("merges into PEFT's weights and still gives PEFT's logits", async () => {
    await loadAdapter(base.model, goldenAdapter(name));
    mergeAndUnload(base.model);
    tf.tidy(() => {
      const answers = readTensors(join(goldenAdapter(name), "answers.safetensors"));
      const weights = new Map(
        base.model.parameters().map((parameter) => [parameter.name, parameter.variable]),
      );
      for (const [key, answer] of answers) {
        const weight = key.startsWith("merged.") && weights.get(key.slice("merged.".length));
        if (weight) expect(largestDifference(weight, answer), key).toBeLessThan(1e-5);
      }
      expect(largestDifference(base.model.forward(base.ids), answers.get("logits") as Tensor)).toBeLessThan(
        1e-4,
      );
    });
  });
});

describe.each(golden.starts)("PEFT's $name, which starts from a part of the base", ({
  name,
  model: of,
  loss,
}) => {
  base.use(of);
  const answersOf = () => readTensors(join(goldenAdapter(name), "answers.safetensors"));
  const initLoraWeights = name.endsWith("olora") ? "olora" : "pissa";

  it("takes the same part out of every weight", async () => {
    const { config } = await loadAdapter(base.model, goldenAdapter(name));
    addAdapter(base.model, { ...config, initLoraWeights }, { name: "fresh" });
    tf.tidy(() => {
      const answers = answersOf();
      for (const layer of loraModules(base.model, "fresh")) {
        const part = tf.mul(
          tf.matMul(layer.b.variable as Tensor2D, layer.a.variable as Tensor2D),
          layer.scale,
        );
        expect(largestDifference(part, answers.get(`part.${layer.path}`) as Tensor), layer.path).toBeLessThan(
          1e-5,
        );
      }
    });
  });

  it("has PEFT's logits, loss and gradients after training", async () => {
    await loadAdapter(base.model, goldenAdapter(name));
    tf.tidy(() => {
      const answers = answersOf();
      expect(largestDifference(base.model.forward(base.ids), answers.get("logits") as Tensor)).toBeLessThan(
        1e-4,
      );
      const trained = base.model.parameters().filter(({ trainable }) => trainable);
      const { value, grads } = tf.variableGrads(
        () => crossEntropy(base.model.forward(base.ids), base.ids, tf.onesLike(base.ids)) as Scalar,
        trained.map(({ variable }) => variable),
      );
      expect(value.dataSync()[0]).toBeCloseTo(loss, 4);
      for (const { name, variable } of trained) {
        const answer = answers.get(gradientKey(answers, name) as string) as Tensor;
        expect(largestDifference(grads[variable.name] as Tensor, answer), name).toBeLessThan(1e-4);
      }
    });
  });

  it("becomes a plain adapter of twice the rank, as in PEFT", async () => {
    const folder = mkdtempSync(join(tmpdir(), "posttrain-lora-"));
    await loadAdapter(base.model, goldenAdapter(name), { name: "trained" });
    await saveAdapter(base.model, folder, { name: "trained" });
    const ours = await loadAdapter(base.model, folder, { name: "ours" });
    const theirs = await loadAdapter(base.model, goldenAdapter(`${name}-converted`), { name: "theirs" });
    expect(ours.config.r).toBe(theirs.config.r);
    tf.tidy(() => {
      for (const layer of ours.layers.values()) {
        const other = theirs.layers.get(layer.linear) as typeof layer;
        expect(largestDifference(deltaWeight(layer), deltaWeight(other)), layer.path).toBeLessThan(1e-5);
      }
      expect(
        largestDifference(base.model.forward(base.ids), answersOf().get("logits") as Tensor),
      ).toBeLessThan(1e-4);
    });
    rmSync(folder, { recursive: true });
  });
});
