import {
  compileStep,
  dropout,
  type RandomKey,
  randomKey,
  type Scalar,
  type Tensor,
  type Tensor2D,
  tf,
  useBackend,
} from "posttrain/backend";
import { createDecoder, type Decoder, type ForwardOptions, type PassContext } from "posttrain/model";
import { valueAndGradients } from "posttrain/training";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recomputed } from "../../src/model/recompute.js";
import { hasNative } from "../backend/compile/native.js";

const sizes = { vocabSize: 23, contextLength: 8, hiddenSize: 16, layers: 3, heads: 4 };
const gpt2 = { ...sizes, architecture: "gpt2" } as const;
const llama = { ...sizes, architecture: "llama", keyValueHeads: 2 } as const;

const rows = [
  [1, 2, 3, 4, 5, 6],
  [7, 8, 9, 0, 0, 0],
];
const segments = [
  [1, 1, 1, 2, 2, 2],
  [1, 1, 1, 0, 0, 0],
];
const int = (values: number[][]): Tensor2D => tf.tensor2d(values, undefined, "int32");

/** Loss and gradients of a decoder; the caller owns them. */
function derive(decoder: Decoder, tokenIds: Tensor2D, options: ForwardOptions): Record<string, Tensor> {
  const { loss, gradients } = valueAndGradients(decoder.parameters(), () => ({
    loss: tf.mean(tf.square(decoder.forward(tokenIds, options))) as Scalar,
  }));
  return { loss, ...gradients };
}

function expectEqual(actual: Record<string, Tensor>, expected: Record<string, Tensor>): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, tensor] of Object.entries(expected)) {
    const gap = tf.tidy(() => tf.max(tf.abs(tf.sub(tensor, actual[name] as Tensor))).dataSync()[0]);
    expect(gap, name).toBeLessThanOrEqual(1e-6);
  }
}

describe.each(
  hasNative ? (["native", "wasm", "cpu"] as const) : (["wasm", "cpu"] as const),
)("gradient checkpointing on %s", (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
  });
  afterAll(async () => {
    await useBackend();
  });

  it.each([
    ["a GPT-2", gpt2, []],
    ["a Llama with grouped heads", llama, []],
    ["a Llama of which only the second block is trained", llama, ["model.layers.1."]],
  ])("gives the loss and gradients of the plain pass: %s", (_, config, trained) => {
    const decoder = createDecoder(config, { seed: 3 });
    for (const parameter of decoder.parameters()) {
      parameter.trainable = trained.every((part) => parameter.name.includes(part));
    }
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const [tokenIds, options] = [int(rows), { segments: int(segments) }];
      const plain = derive(decoder, tokenIds, options);
      const again = derive(decoder, tokenIds, { ...options, gradientCheckpointing: true });
      expect(Object.keys(again)).toHaveLength(1 + decoder.parameters().filter((p) => p.trainable).length);
      expectEqual(again, plain);
      const theirs = tf.variableGrads(
        () =>
          tf.mean(
            tf.square(decoder.forward(tokenIds, { ...options, gradientCheckpointing: true })),
          ) as Scalar,
        decoder.parameters().flatMap(({ trainable, variable }) => (trainable ? variable : [])),
      );
      for (const { name, variable } of decoder.parameters().filter(({ trainable }) => trainable)) {
        expectEqual({ [name]: theirs.grads[variable.name] as Tensor }, { [name]: plain[name] as Tensor });
      }
    });
    expect(tf.memory().numTensors).toBe(before);
    decoder.dispose();
  });

  it("drops the same places in both computations", () => {
    const weight = tf.tidy(() => tf.variable(tf.reshape(tf.cos(tf.range(0, 16)), [4, 4])));
    const layer = (x: Tensor2D, { dropoutKey }: PassContext): Tensor2D => {
      const product = tf.matMul<Tensor2D>(tf.square(x), weight);
      return tf.tanh(dropout(product, 0.5, dropoutKey as RandomKey, 3));
    };
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const x = tf.reshape<tf.Rank.R2>(tf.sin(tf.range(0, 40)), [10, 4]);
      const context = { batch: 1, time: 10, mask: tf.zeros<tf.Rank.R4>([1, 1, 1, 1]) };
      const slopes = (again: boolean, counter: number) => {
        const given = { ...context, dropoutKey: randomKey(1, counter) };
        const pass = (from: Tensor2D) =>
          again ? recomputed(layer, from, given, [weight]) : layer(from, given);
        const { value, grads } = tf.variableGrads(() => tf.sum(pass(pass(x))), [weight]);
        return { value, gradient: grads[weight.name] as Tensor };
      };
      expectEqual(slopes(true, 1), slopes(false, 1));
      expect(slopes(true, 2).value.dataSync()).not.toEqual(slopes(true, 1).value.dataSync());
    });
    expect(tf.memory().numTensors).toBe(before);
    weight.dispose();
  });

  it("leaves no tensor behind when the backward pass is never made", () => {
    const decoder = createDecoder(llama, { seed: 3 });
    const before = tf.memory().numTensors;
    expect(() =>
      derive({ ...decoder, parameters: () => decoder.parameters(), forward: fail } as never, int(rows), {}),
    ).toThrow("half way");
    function fail(tokenIds: Tensor2D): Tensor {
      decoder.forward(tokenIds, { gradientCheckpointing: true });
      throw new Error("half way");
    }
    expect(tf.memory().numTensors).toBe(before + 1); // the token ids
    decoder.dispose();
  });
});

describe.skipIf(!hasNative)("gradient checkpointing in a compiled step", () => {
  it("gives the same numbers", async () => {
    await useBackend("native");
    const decoder = createDecoder(llama, { seed: 3 });
    const steps = [false, true].map((gradientCheckpointing) =>
      compileStep<{ tokenIds: Tensor2D }, Record<string, Tensor>>(({ tokenIds }) =>
        derive(decoder, tokenIds, { gradientCheckpointing }),
      ),
    );
    tf.tidy(() => {
      const [plain, again] = steps.map((step) => step({ tokenIds: int(rows) })) as [
        Record<string, Tensor>,
        Record<string, Tensor>,
      ];
      expectEqual(again, plain);
    });
    for (const step of steps) step.dispose();
    decoder.dispose();
  });
});
