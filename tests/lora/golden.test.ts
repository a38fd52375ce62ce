import { join } from "node:path";
import { type Scalar, type Tensor, type Tensor2D, tf, useBackend } from "posttrain/backend";
import { openSafetensors } from "posttrain/files";
import { loadAdapter, loraModules, mergeAndUnload } from "posttrain/lora";
import { loadDecoder, type TransformerDecoder } from "posttrain/model";
import { crossEntropy } from "posttrain/training";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import golden from "../golden/lora.json";
import bases from "../golden/model.json";
import { goldenFolder, largestDifference } from "../model/helpers.js";

// golden/lora.json and golden/lora/ are written by golden/lora.py with peft==0.21.2
const folderOf = (name: string): string => join(import.meta.dirname, "../golden/lora", name);

let model: TransformerDecoder;
let ids: Tensor2D;

const useBase = (name: string) => {
  beforeEach(async () => {
    model = await loadDecoder(goldenFolder(name));
    const tokens = bases.tiny.find((each) => each.name === name)?.tokenIds ?? [];
    ids = tf.tensor2d(tokens, undefined, "int32");
  });
  afterEach(() => {
    model.dispose();
    ids.dispose();
  });
};

const readAnswers = (file: string): Map<string, Tensor> => {
  const answers = openSafetensors(file);
  const found = [...answers.tensors].map(([key, { shape }]): [string, Tensor] => [
    key,
    tf.tensor(answers.read(key), [...shape]),
  ]);
  answers.close();
  return new Map(found);
};

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

describe.each(golden.adapters)("PEFT's $name", ({ name, model: base, loss, scales }) => {
  useBase(base);

  it("gives PEFT's logits", async () => {
    await loadAdapter(model, folderOf(name));
    tf.tidy(() => {
      const { logits } = Object.fromEntries(readAnswers(join(folderOf(name), "answers.safetensors")));
      expect(largestDifference(model.forward(ids), logits as Tensor)).toBeLessThan(5e-5);
    });
  });

  it("adapts PEFT's modules with PEFT's scales", async () => {
    await loadAdapter(model, folderOf(name));
    const found = loraModules(model).map(({ path, scale }): [string, number] => [path, scale]);
    expect(Object.fromEntries(found)).toEqual(scales);
  });

  it("has PEFT's loss, and PEFT's gradient in all that trains", async () => {
    await loadAdapter(model, folderOf(name));
    tf.tidy(() => {
      const answers = readAnswers(join(folderOf(name), "answers.safetensors"));
      const trained = model.parameters().filter(({ trainable }) => trainable);
      const { value, grads } = tf.variableGrads(
        () => crossEntropy(model.forward(ids), ids, tf.onesLike(ids)) as Scalar,
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
    await loadAdapter(model, folderOf(name));
    mergeAndUnload(model);
    tf.tidy(() => {
      const answers = readAnswers(join(folderOf(name), "answers.safetensors"));
      const weights = new Map(model.parameters().map((parameter) => [parameter.name, parameter.variable]));
      for (const [key, answer] of answers) {
        const weight = key.startsWith("merged.") && weights.get(key.slice("merged.".length));
        if (weight) expect(largestDifference(weight, answer), key).toBeLessThan(1e-5);
      }
      expect(largestDifference(model.forward(ids), answers.get("logits") as Tensor)).toBeLessThan(1e-4);
    });
  });
});
