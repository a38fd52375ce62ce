import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Scalar, type Tensor, type Tensor2D, tf, useBackend } from "posttrain/backend";
import { openSafetensors } from "posttrain/files";
import { type Decoder, generate, loadDecoder, modelPath, saveDecoder } from "posttrain/model";
import { crossEntropy } from "posttrain/training";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import golden from "../golden/model.json";
import { goldenFolder, largestDifference } from "./helpers.js";

// golden/model.json and golden/model/ are written by golden/model.py with transformers==5.23.0
const int = (rows: number[][]): Tensor2D => tf.tensor2d(rows, undefined, "int32");

const opened: Decoder[] = [];
const load = async (path: string): Promise<Decoder> => {
  const decoder = await loadDecoder(path);
  opened.push(decoder);
  return decoder;
};

beforeAll(() => useBackend());
afterAll(() => {
  for (const decoder of opened) decoder.dispose();
});

describe.each(golden.tiny)("the tiny $name that transformers wrote", ({ name, tokenIds, loss }) => {
  const answers = openSafetensors(join(goldenFolder(name), "answers.safetensors"));
  afterAll(() => answers.close());
  const answer = (key: string, shape: number[]): Tensor => tf.tensor(answers.read(key), shape);

  it("has its logits", async () => {
    const decoder = await load(goldenFolder(name));
    tf.tidy(() => {
      const logits = decoder.forward(int(tokenIds));
      expect(largestDifference(logits, answer("logits", logits.shape))).toBeLessThan(1e-4);
    });
  });

  it("has its gradient of the mean next-token loss in every weight", async () => {
    const decoder = await load(goldenFolder(name));
    tf.tidy(() => {
      const ids = int(tokenIds);
      const mask = tf.onesLike(ids);
      const { value, grads } = tf.variableGrads(
        () => crossEntropy(decoder.forward(ids), ids, mask) as Scalar,
        decoder.parameters().map(({ variable }) => variable),
      );
      expect(value.dataSync()[0]).toBeCloseTo(loss, 5);
      for (const { name: weight, variable } of decoder.parameters()) {
        const expected = answer(`gradient.${weight}`, variable.shape);
        const gradient = grads[variable.name] as Tensor;
        expect(largestDifference(gradient, expected), weight).toBeLessThan(1e-4);
      }
    });
  });

  it("is written back as the very same bytes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "posttrain-model-"));
    await saveDecoder(await load(goldenFolder(name)), folder);
    const file = (where: string) => readFileSync(join(where, "model.safetensors"));
    expect(file(folder).equals(file(goldenFolder(name)))).toBe(true);
    rmSync(folder, { recursive: true });
  });

  it.each(["BF16", "F16"] as const)("is the same again after loading and saving as %s", async (dtype) => {
    const folder = mkdtempSync(join(tmpdir(), "posttrain-model-"));
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    await saveDecoder(await load(goldenFolder(name)), first, { dtype });
    const reloaded = await load(first);
    await saveDecoder(reloaded, second, { dtype });
    for (const part of ["model.safetensors", "config.json"]) {
      expect(readFileSync(join(second, part)).equals(readFileSync(join(first, part)))).toBe(true);
    }
    tf.tidy(() => {
      const logits = reloaded.forward(int(tokenIds));
      const difference = largestDifference(logits, answer("logits", logits.shape));
      expect(difference).toBeGreaterThan(0);
      expect(difference).toBeLessThan(dtype === "F16" ? 0.02 : 0.2);
    });
    rmSync(folder, { recursive: true });
  });
});

describe("loadDecoder", () => {
  const changed = (change: (config: Record<string, unknown>) => void): string => {
    const folder = mkdtempSync(join(tmpdir(), "posttrain-model-"));
    cpSync(goldenFolder("llama"), folder, { recursive: true });
    const path = join(folder, "config.json");
    const config = JSON.parse(readFileSync(path, "utf8"));
    change(config);
    rmSync(path);
    writeFileSync(path, JSON.stringify(config));
    return folder;
  };

  it.each([
    ["missing", { num_hidden_layers: 3 }, /no weight "model\.layers\.2\.self_attn\.q_proj\.weight"/],
    ["surplus", { num_hidden_layers: 1 }, /9 more weights .* "model\.layers\.1\./],
    ["mis-shaped", { intermediate_size: 41 }, /mlp\.gate_proj\.weight" of shape \[40,24\].* \[41,24\]/],
  ])("names a %s weight and leaves no tensor behind", async (_, change, message) => {
    const folder = changed((config) => Object.assign(config, change));
    const before = tf.memory().numTensors;
    await expect(loadDecoder(folder)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
    rmSync(folder, { recursive: true });
  });

  it.each([
    ["llama", "llama-sharded"],
    ["llama", "llama.gguf"],
    ["qwen2", "qwen2.gguf"],
  ])("gives the %s that transformers wrote in one file the same logits from %s", async (name, other) => {
    const file = (entry: string) => join(import.meta.dirname, "../golden/files", entry);
    const [whole, same] = [await load(file(name)), await load(file(other))];
    tf.tidy(() => {
      const ids = int([[1, 2, 3, 4, 5, 6]]);
      expect(largestDifference(whole.forward(ids), same.forward(ids))).toBeLessThan(1e-6);
    });
  });

  it("says where it looked for a model that is not there", async () => {
    await expect(loadDecoder("/nowhere/model")).rejects.toThrow("/nowhere/model");
  });
});

const smollm2 = (() => {
  try {
    return modelPath("smollm2-135m-instruct");
  } catch {
    return undefined;
  }
})();

describe.skipIf(!smollm2)("SmolLM2-135M-Instruct (skipped unless downloaded: npm start)", () => {
  let decoder: Decoder;
  beforeAll(async () => {
    decoder = await loadDecoder(smollm2 as string);
  });
  afterAll(() => decoder.dispose());

  it.each(golden.smollm2)("has the logits of transformers from the same file: prompt %#", (prompt) => {
    const { tokenIds, sampled, top } = prompt;
    tf.tidy(() => {
      const rows = decoder.forward(int([tokenIds])).arraySync()[0] as number[][];
      const vocab = decoder.config.vocabSize;
      const differences = sampled.flatMap((logits, t) =>
        logits.map((logit, k) => Math.abs(logit - (rows[t]?.[(7919 * t + 6151 * k + 13) % vocab] ?? NaN))),
      );
      expect(Math.max(...differences)).toBeLessThan(1e-3);
      const last = rows.at(-1) as number[];
      const best = [...last.keys()].sort((a, b) => (last[b] ?? 0) - (last[a] ?? 0)).slice(0, 10);
      expect(best).toEqual(top.tokenIds);
      const topDifferences = top.logits.map((logit, i) => Math.abs(logit - (last[best[i] ?? -1] ?? NaN)));
      expect(Math.max(...topDifferences)).toBeLessThan(1e-3);
    });
  });

  it("takes the same 20 greedy tokens, in one batch of unequal prompts", async () => {
    const prompts = golden.smollm2.map(({ tokenIds }) => tokenIds);
    const { tokenIds } = await generate(decoder, prompts, { maxNewTokens: 20, stopTokens: [] });
    expect(tokenIds).toEqual(golden.smollm2.map(({ greedy }) => greedy));
  });
});
