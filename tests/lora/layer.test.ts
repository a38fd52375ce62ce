import {
  dropout,
  type RandomKey,
  randomKey,
  singularValues,
  type Tensor,
  type Tensor2D,
  tf,
  useBackend,
} from "posttrain/backend";
import {
  addAdapter,
  deltaWeight,
  type LoraConfig,
  type LoraLayer,
  loraModules,
  mergedWeight,
} from "posttrain/lora";
import { createDecoder, inUse } from "posttrain/model";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { largestDifference, tiny } from "../model/helpers.js";
import { freshModel, largestGap, logits, perturb, someTokens, taken } from "./helpers.js";

beforeAll(async () => {
  await useBackend();
});

beforeEach(() => {
  tf.disposeVariables();
});

const firstModule = (family: "llama" | "gpt2", config: LoraConfig): LoraLayer => {
  const model = freshModel(family);
  perturb(addAdapter(model, { r: 3, ...config }));
  return loraModules(model)[0] as LoraLayer;
};

/** A weight as [out, in], however it lies in its file. */
const outIn = ({ linear }: LoraLayer, weight: Tensor): Tensor2D =>
  (linear.layout === "outIn" ? weight : tf.transpose(weight)) as Tensor2D;

const input = (rows: number, width: number): Tensor2D =>
  tf.tensor2d(
    Float32Array.from({ length: rows * width }, (_, i) => Math.cos(i * i)),
    [rows, width],
  );

describe.each(["llama", "gpt2"] as const)("a layer of %s", (family) => {
  it("multiplies by W₀ + s·BA", () => {
    const layer = firstModule(family, {});
    tf.tidy(() => {
      const x = input(4, layer.linear.sizes.in);
      const weight = tf.add(layer.linear.weight.variable, deltaWeight(layer));
      const expected = tf.matMul(x, outIn(layer, weight), false, true);
      expect(largestDifference(layer.forward(x, layer.linear.multiply(x)), expected)).toBeLessThan(1e-5);
      expect(largestDifference(mergedWeight(layer), weight)).toBeLessThan(1e-6);
    });
  });

  it("gives rows of the merged weight the lengths |m| with DoRA", () => {
    const layer = firstModule(family, { useDora: true });
    tf.tidy(() => {
      const lengths = tf.norm(outIn(layer, mergedWeight(layer)), 2, 1);
      const magnitude = tf.abs(layer.magnitude?.variable as Tensor);
      expect(largestDifference(lengths, magnitude)).toBeLessThan(1e-5);
    });
  });

  it("drops inputs of the adapter and not of the frozen weight", () => {
    const layer = firstModule(family, { loraDropout: 0.5 });
    tf.tidy(() => {
      const x = input(4, layer.linear.sizes.in);
      const [base, key] = [layer.linear.multiply(x), randomKey(1, 2)];
      const part = tf.sub(layer.forward(x, base, key), base);
      const whole = tf.sub(layer.forward(x, base), base);
      expect(largestDifference(part, whole)).toBeGreaterThan(1e-3);
      expect(largestDifference(part, tf.sub(layer.forward(x, base, key), base))).toBe(0);
      const other = tf.sub(layer.forward(x, base, randomKey(1, 3)), base);
      expect(largestDifference(part, other)).toBeGreaterThan(1e-3);
      const mean = tf.addN(
        Array.from({ length: 400 }, (_, i) => tf.sub(layer.forward(x, base, randomKey(5, i)), base)),
      );
      expect(largestDifference(tf.div(mean, 400), whole)).toBeLessThan(0.05);
    });
  });
});

describe("dropout on the output head", () => {
  it("is drawn from the key of the pass", () => {
    const model = createDecoder({ ...tiny.llama, tiedEmbeddings: false }, { seed: 1 });
    perturb(addAdapter(model, { r: 3, loraDropout: 0.5, targetModules: ["lm_head"] }));
    const tokens = someTokens();
    const logitsWith = (dropoutKey?: RandomKey) => taken(model.forward(tokens, { dropoutKey }));
    const first = logitsWith(randomKey(1, 1));
    expect(largestGap(first, logitsWith(randomKey(1, 1)))).toBe(0);
    expect(largestGap(first, logitsWith(randomKey(1, 2)))).toBeGreaterThan(1e-3);
    expect(largestGap(first, logitsWith())).toBeGreaterThan(1e-3);
  });
});

describe("dropout with DoRA", () => {
  it("is PEFT's: y + (f − 1)·W₀x̃ + f·s·BAx̃ with f = m / ‖W₀ + s·BA‖", () => {
    const layer = firstModule("llama", { useDora: true, loraDropout: 0.5 });
    tf.tidy(() => {
      const { linear, a, b, scale, magnitude } = layer;
      const [x, key] = [input(4, linear.sizes.in), randomKey(1, 2)];
      const dropped = dropout(x, 0.5, key, layer.stream);
      const weight = linear.weight.variable as Tensor2D;
      const norm = tf.norm(tf.add(weight, deltaWeight(layer)), 2, 1);
      const f = tf.div(magnitude?.variable as Tensor, norm);
      const low = tf.matMul(
        tf.matMul(dropped, a.variable as Tensor2D, false, true),
        b.variable as Tensor2D,
        false,
        true,
      );
      const base = tf.matMul<Tensor2D>(x, weight, false, true);
      const change = tf.mul(tf.sub(f, 1), tf.matMul(dropped, weight, false, true));
      const expected = tf.add(tf.add(base, change), tf.mul(f, tf.mul(low, scale)));
      expect(largestDifference(layer.forward(x, base, key), expected)).toBeLessThan(1e-5);
    });
  });
});

describe.each(["llama", "gpt2"] as const)("an adapter of %s that starts from the weight", (family) => {
  it.each([
    "pissa",
    "olora",
  ] as const)("(%s) leaves a rest that it completes to the weight", (initLoraWeights) => {
    const model = freshModel(family);
    const before = logits(model);
    addAdapter(model, { r: 3, initLoraWeights, targetModules: "all-linear" });
    for (const layer of loraModules(model)) {
      tf.tidy(() => {
        const rest = inUse(layer.linear.weight).variable;
        expect(largestDifference(rest, layer.linear.weight.variable)).toBeGreaterThan(1e-3);
        expect(largestDifference(mergedWeight(layer), layer.linear.weight.variable)).toBeLessThan(1e-6);
      });
    }
    expect(largestGap(logits(model), before)).toBeLessThan(1e-5);
  });

  it("takes the largest singular values with PiSSA and leaves the others", () => {
    const model = freshModel(family);
    addAdapter(model, { r: 3, initLoraWeights: "pissa" });
    const [layer] = loraModules(model) as [LoraLayer];
    const { weight } = layer.linear;
    const all = taken(singularValues(weight.variable as Tensor2D));
    const rest = taken(singularValues(inUse(weight).variable as Tensor2D));
    expect(largestGap(rest.slice(0, -3), all.slice(3))).toBeLessThan(1e-5);
    const delta = deltaWeight(layer);
    expect(largestGap(taken(singularValues(delta)).slice(0, 3), all.slice(0, 3))).toBeLessThan(1e-5);
    delta.dispose();
  });
});

describe("the first A", () => {
  const values = (config: LoraConfig): number[] => {
    const model = freshModel("llama");
    addAdapter(model, { r: 8, targetModules: "all-linear", ...config });
    return loraModules(model).flatMap(({ a }) =>
      a.variable.shape[1] === 24 ? [...a.variable.dataSync()] : [],
    );
  };

  it("is uniform within 1/√in by default", () => {
    const drawn = values({});
    const bound = 1 / Math.sqrt(24);
    expect(Math.max(...drawn.map(Math.abs))).toBeLessThanOrEqual(bound);
    const variance = drawn.reduce((sum, x) => sum + x * x, 0) / drawn.length;
    expect(variance / (bound ** 2 / 3)).toBeCloseTo(1, 1);
  });

  it("is normal with deviation 1/r when gaussian", () => {
    const drawn = values({ initLoraWeights: "gaussian" });
    const deviation = Math.sqrt(drawn.reduce((sum, x) => sum + x * x, 0) / drawn.length);
    expect(deviation * 8).toBeCloseTo(1, 1);
    expect(Math.max(...drawn.map(Math.abs))).toBeGreaterThan(2.5 / 8);
  });
});
