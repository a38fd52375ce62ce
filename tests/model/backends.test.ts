import { join } from "node:path";
import { type BackendName, type Scalar, type Tensor, type Tensor2D, tf, useBackend } from "posttrain/backend";
import { openSafetensors } from "posttrain/files";
import { generate, loadDecoder } from "posttrain/model";
import { crossEntropy } from "posttrain/training";
import { afterAll, describe, expect, it } from "vitest";
import golden from "../golden/model.json";
import { goldenFolder, largestDifference } from "./helpers.js";

const backends: BackendName[] = ["wasm", "cpu"];
const cases = backends.flatMap((backend) => golden.tiny.map((model) => ({ backend, ...model })));

describe.each(cases)("on $backend the tiny $name", ({ backend, name, tokenIds, penalisedGreedy }) => {
  const answers = openSafetensors(join(goldenFolder(name), "answers.safetensors"));
  afterAll(() => answers.close());

  it("has the logits, gradients and greedy tokens of transformers", async () => {
    await useBackend(backend);
    const decoder = await loadDecoder(goldenFolder(name));
    tf.tidy(() => {
      const ids: Tensor2D = tf.tensor2d(tokenIds, undefined, "int32");
      const logits = decoder.forward(ids);
      const expected = tf.tensor(answers.read("logits"), logits.shape);
      expect(largestDifference(logits, expected)).toBeLessThan(1e-4);
      const { grads } = tf.variableGrads(
        () => crossEntropy(decoder.forward(ids), ids, tf.onesLike(ids)) as Scalar,
        decoder.parameters().map(({ variable }) => variable),
      );
      for (const { name: weight, variable } of decoder.parameters()) {
        const gradient = tf.tensor(answers.read(`gradient.${weight}`), variable.shape);
        expect(largestDifference(grads[variable.name] as Tensor, gradient), weight).toBeLessThan(1e-4);
      }
    });
    const { prompt, repetitionPenalty, tokenIds: greedy } = penalisedGreedy;
    const generation = await generate(decoder, prompt, { repetitionPenalty, maxNewTokens: 12 });
    expect(generation.tokenIds).toEqual([greedy]);
    decoder.dispose();
  });
});
