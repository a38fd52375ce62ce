import { Random } from "posttrain/backend";
import { drawToken, nextTokenProbabilities } from "posttrain/model";
import { describe, expect, it } from "vitest";
import golden from "../golden/model.json";

const { logits, history, cases } = golden.sampling;

describe("nextTokenProbabilities", () => {
  it.each(cases)("equals transformers with $options", ({ options, probabilities }) => {
    const ours = nextTokenProbabilities(logits, history, { temperature: 1, ...options });
    for (const [token, probability] of probabilities.entries())
      expect(ours[token]).toBeCloseTo(probability, 6);
    expect([...ours].filter((p) => p > 0)).toHaveLength(probabilities.filter((p) => p > 0).length);
  });

  it("puts everything on the likeliest token at temperature 0", () => {
    expect([...nextTokenProbabilities([0.1, 3, 2], [])]).toEqual([0, 1, 0]);
  });

  it("penalises a token once, however often it occurred", () => {
    const options = { temperature: 1, repetitionPenalty: 2 };
    expect(nextTokenProbabilities([1, 2, 3], [2, 2, 2], options)).toEqual(
      nextTokenProbabilities([1, 2, 3], [2], options),
    );
  });

  it("leaves the logits it was given alone", () => {
    const mine = Float32Array.from([1, 2, 3]);
    nextTokenProbabilities(mine, [0], { temperature: 0.5, repetitionPenalty: 2, topK: 1 });
    expect([...mine]).toEqual([1, 2, 3]);
  });
});

describe("logits that are NaN", () => {
  it.each([0, 1])("are refused wherever they stand, at temperature %d", (temperature) => {
    for (const broken of [
      [Number.NaN, 1, 2],
      [1, Number.NaN, 2],
      [1, 2, Number.NaN],
    ]) {
      expect(() => nextTokenProbabilities(broken, [], { temperature })).toThrow(/not finite/);
    }
  });
});

describe("drawToken", () => {
  it("draws each token as often as its probability says", () => {
    const probabilities = Float32Array.from([0.1, 0, 0.6, 0.3]);
    const random = new Random(1);
    const drawn = Array.from({ length: 20_000 }, () => drawToken(probabilities, random));
    for (const [token, p] of probabilities.entries()) {
      const share = drawn.filter((other) => other === token).length / drawn.length;
      expect(Math.abs(share - p)).toBeLessThanOrEqual(p === 0 ? 0 : 0.01);
    }
  });
});
