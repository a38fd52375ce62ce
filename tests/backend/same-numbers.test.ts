import { type BackendName, check, type Tensor2D, tf, useBackend } from "posttrain/backend";
import { createDecoder, type DecoderSizes } from "posttrain/model";
import { AdamW, crossEntropy, valueAndGradients } from "posttrain/training";
import { describe, expect, it } from "vitest";
import { whyNoWebGpu } from "./webgpu-here.js";

const MODELS: DecoderSizes[] = [
  { architecture: "gpt2", vocabSize: 11, contextLength: 8, hiddenSize: 16, layers: 2, heads: 2 },
  {
    architecture: "llama",
    vocabSize: 11,
    contextLength: 8,
    hiddenSize: 16,
    layers: 2,
    heads: 4,
    keyValueHeads: 2,
  },
];

/** One optimizer step on a padded batch: the loss before it, the gradient's length, and the loss after it. */
async function trainOneStep(sizes: DecoderSizes): Promise<number[]> {
  const before = tf.memory().numTensors;
  const decoder = createDecoder(sizes, { seed: 1 });
  const optimizer = new AdamW(decoder.parameters(), { maxGradNorm: 1 });
  const scalars = tf.tidy(() => {
    const tokenIds = tf.tensor2d(
      [
        [1, 5, 2, 7, 7, 3],
        [4, 4, 10, 0, 0, 0],
      ],
      [2, 6],
      "int32",
    ) as Tensor2D;
    const mask = tf.tensor2d(
      [
        [0, 0, 1, 1, 1, 1],
        [0, 1, 1, 0, 0, 0],
      ],
      [2, 6],
    ) as Tensor2D;
    const step = () =>
      valueAndGradients(decoder.parameters(), () => ({
        loss: crossEntropy(decoder.forward(tokenIds), tokenIds, mask),
      }));
    const { loss, gradients } = step();
    const norm = optimizer.step(gradients, 0.01);
    return [loss, norm, step().loss];
  });
  const numbers = await Promise.all(scalars.map((scalar) => scalar.array())); // webgpu has no other way to read
  tf.dispose(scalars);
  optimizer.dispose();
  decoder.dispose();
  expect(tf.memory().numTensors, "tensors left behind").toBe(before);
  return numbers;
}

const unavailable: Partial<Record<BackendName, string>> = {
  native: await useBackend("native").then(() => undefined, String),
  webgpu: await whyNoWebGpu(),
};

describe("one train step of a tiny decoder", () => {
  const reference = new Map<DecoderSizes, number[]>();

  for (const backend of ["cpu", "wasm", "native", "webgpu"] satisfies BackendName[]) {
    it.skipIf(unavailable[backend]).each(MODELS)(
      `gives the same numbers on ${backend}: $architecture`,
      async (sizes) => {
        await useBackend(backend);
        const numbers = await trainOneStep(sizes);
        const expected = reference.get(sizes);
        if (!expected) reference.set(sizes, numbers);
        else check(numbers, expected, 1e-5);
        const [first = 0, norm = 0, second = 0] = numbers;
        expect(norm).toBeGreaterThan(0.1);
        expect(second).toBeLessThan(first);
      },
    );
  }
});
