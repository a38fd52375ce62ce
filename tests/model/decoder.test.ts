import { type Tensor, type Tensor2D, type Tensor3D, tf, useBackend } from "posttrain/backend";
import { byAutodiff, createDecoder, type Decoder, type Parameter } from "posttrain/model";
import { beforeAll, describe, expect, it } from "vitest";
import { largestDifference, tiny } from "./helpers.js";

beforeAll(() => useBackend());

const ids = (...rows: number[][]): Tensor2D => tf.tensor2d(rows, undefined, "int32");
const families = Object.values(tiny).map((sizes) => ({ family: sizes.architecture, sizes }));

describe.each(families)("a $family decoder", ({ sizes }) => {
  const meanSquare = (decoder: Decoder, tokens: Tensor2D) => () =>
    tf.mean(tf.square(decoder.forward(tokens))) as tf.Scalar;

  it("gives logits [batch, time, vocab], and forward is hidden followed by project", () => {
    const decoder = createDecoder(sizes, { seed: 1 });
    tf.tidy(() => {
      const tokens = ids([1, 2, 3], [4, 5, 6]);
      const logits = decoder.forward(tokens);
      expect(logits.shape).toEqual([2, 3, 41]);
      const hidden = tf.reshape(decoder.hidden(tokens), [6, sizes.hiddenSize]) as Tensor2D;
      expect(largestDifference(tf.reshape(logits, [6, 41]), decoder.project(hidden))).toBe(0);
    });
    decoder.dispose();
  });

  it("is decided by its seed", () => {
    const [one, same, other] = [1, 1, 2].map((seed) => createDecoder(sizes, { seed }));
    tf.tidy(() => {
      const logits = [one, same, other].map((d) => (d as Decoder).forward(ids([7, 8, 9]))) as Tensor3D[];
      const [a, b, c] = logits as [Tensor3D, Tensor3D, Tensor3D];
      expect(largestDifference(a, b)).toBe(0);
      expect(largestDifference(a, c)).toBeGreaterThan(1e-3);
    });
    for (const decoder of [one, same, other]) decoder?.dispose();
  });

  it("never looks ahead", () => {
    const decoder = createDecoder(sizes, { seed: 1 });
    tf.tidy(() => {
      const [a, b] = [ids([1, 2, 3, 4]), ids([1, 2, 30, 40])].map((tokens) => decoder.forward(tokens));
      const first = (x: Tensor) => tf.slice(x, [0, 0, 0], [1, 2, 41]);
      expect(largestDifference(first(a as Tensor), first(b as Tensor))).toBeLessThan(1e-6);
      expect(largestDifference(a as Tensor, b as Tensor)).toBeGreaterThan(1e-3);
    });
    decoder.dispose();
  });

  it("gives two packed sequences the logits each has alone", () => {
    const decoder = createDecoder(sizes, { seed: 1 });
    tf.tidy(() => {
      const packed = decoder.forward(ids([1, 2, 3, 4, 5, 0, 0]), {
        segments: ids([1, 1, 1, 2, 2, 0, 0]),
        positions: ids([0, 1, 2, 0, 1, 0, 0]),
      });
      const part = (from: number, count: number) => tf.slice(packed, [0, from, 0], [1, count, 41]);
      expect(largestDifference(part(0, 3), decoder.forward(ids([1, 2, 3])))).toBeLessThan(1e-6);
      expect(largestDifference(part(3, 2), decoder.forward(ids([4, 5])))).toBeLessThan(1e-6);
      expect(tf.all(tf.isFinite(packed)).dataSync()[0]).toBe(1);
    });
    decoder.dispose();
  });

  it("adds noise to the embeddings when asked", () => {
    const decoder = createDecoder(sizes, { seed: 1 });
    tf.tidy(() => {
      const tokens = ids([1, 2, 3]);
      const zero = decoder.forward(tokens, { embeddingNoise: tf.zeros([1, 3, sizes.hiddenSize]) });
      const noise = tf.randomNormal<tf.Rank.R3>([1, 3, sizes.hiddenSize], 0, 1, "float32", 5);
      const noisy = decoder.forward(tokens, { embeddingNoise: noise });
      expect(largestDifference(zero, decoder.forward(tokens))).toBe(0);
      expect(largestDifference(noisy, zero)).toBeGreaterThan(1e-3);
    });
    decoder.dispose();
  });

  it("has the gradients of automatic differentiation in every weight", () => {
    const decoder = createDecoder(sizes, { seed: 1 });
    tf.tidy(() => {
      const loss = meanSquare(decoder, ids([1, 2, 3, 4], [5, 6, 7, 8]));
      const variables = decoder.parameters().map((p) => p.variable);
      const byHand = tf.variableGrads(loss, variables);
      const automatic = byAutodiff(() => tf.variableGrads(loss, variables));
      for (const { name, variable } of decoder.parameters()) {
        const [a, b] = [byHand.grads[variable.name], automatic.grads[variable.name]] as [Tensor, Tensor];
        expect(largestDifference(a, b), name).toBeLessThan(1e-5);
      }
    });
    decoder.dispose();
  });

  it("computes no gradient of a frozen weight", async () => {
    const decoder = createDecoder(sizes, { seed: 1 });
    const tokens = ids([1, 2, 3, 4]);
    const products = async (parameters: Parameter[]) => {
      const variables = parameters.map(({ variable }) => variable);
      const { kernels } = await tf.profile(() => {
        const { value, grads } = tf.variableGrads(meanSquare(decoder, tokens), variables);
        tf.dispose(grads);
        return value;
      });
      return kernels.filter(({ name }) => name === "BatchMatMul").length;
    };
    const isMatrix = ({ name, variable }: Parameter) => variable.rank === 2 && !/wte|wpe|embed/.test(name);
    const everything = decoder.parameters();
    const frozen = everything.filter(isMatrix);
    const rest = everything.filter((parameter) => !isMatrix(parameter));
    expect((await products(everything)) - (await products(rest))).toBe(frozen.length);
    decoder.dispose();
    tokens.dispose();
  });

  it("keeps the tensor count flat over 100 forward and backward passes, and frees all on dispose", () => {
    const atStart = tf.memory().numTensors;
    const decoder = createDecoder(sizes, { seed: 1 });
    const tokens = ids([1, 2, 3, 4]);
    const variables = decoder.parameters().map((p) => p.variable);
    const step = () => {
      tf.dispose(decoder.forward(tokens));
      const { value, grads } = tf.variableGrads(meanSquare(decoder, tokens), variables);
      tf.dispose([value, grads]);
    };
    step();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 100; i++) step();
    expect(tf.memory().numTensors).toBe(before);
    decoder.dispose();
    tokens.dispose();
    expect(tf.memory().numTensors).toBe(atStart);
  });
});

describe("createDecoder", () => {
  it.each([
    ["heads that do not divide the width", { heads: 5 }, /headSize/],
    ["key heads that do not divide the heads", { keyValueHeads: 4 }, /keyValueHeads/],
    ["a family it does not know", { architecture: "bert" as "llama" }, /architecture/],
    ["no layers", { layers: 0 }, /layers/],
    ["a part of another family", { norm: "layerNorm" as const }, /norm/],
    [
      "a Qwen2 without its biases",
      { architecture: "qwen2" as "llama", attentionBias: false },
      /attentionBias/,
    ],
  ])("refuses %s, naming the field", (_, change, message) => {
    expect(() => createDecoder({ ...tiny.llama, ...change }, { seed: 0 })).toThrow(message);
  });
});

describe("forward", () => {
  it("refuses a sequence longer than the context, and ids of the wrong type or shape", () => {
    const decoder = createDecoder(tiny.llama, { seed: 0 });
    tf.tidy(() => {
      const long = tf.zeros<tf.Rank.R2>([1, 25], "int32");
      expect(() => decoder.forward(long)).toThrow(/25 tokens .* context of 24/);
      expect(() => decoder.forward(tf.zeros([1, 3]))).toThrow(/float32/);
      expect(() => decoder.forward(ids([1, 2]), { positions: ids([0]) })).toThrow(/positions .*\[1, 2\]/);
    });
    decoder.dispose();
  });
});
