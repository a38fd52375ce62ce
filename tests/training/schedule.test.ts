import { constant, cosine, linear, warmup } from "posttrain/training";
import { describe, expect, it } from "vitest";
import golden from "../golden/training.json";

const decays = { linear, cosine, constant_with_warmup: (rate: number) => constant(rate) };

describe("the schedules", () => {
  it.each(golden.schedules)("give transformers' rates: $name", ({
    kind,
    rate,
    warmup: rise,
    total,
    rates,
  }) => {
    const decay = decays[kind as keyof typeof decays];
    const schedule = warmup(rise, decay(rate, total - rise));
    rates.forEach((expected, step) => {
      expect(schedule(step)).toBeCloseTo(expected, 12);
    });
  });

  it("reach their highest rate exactly when the warm-up ends", () => {
    expect(warmup(5, cosine(0.3, 10))(5)).toBe(0.3);
    expect(warmup(5, linear(0.3, 10))(5)).toBe(0.3);
  });

  it("stay at 0 after their last step", () => {
    expect(linear(1, 4)(9)).toBe(0);
    expect(cosine(1, 4)(9)).toBe(0);
  });

  it("refuse a negative rate and a fraction of a step", () => {
    expect(() => constant(-1)).toThrow(/rate/);
    expect(() => linear(1, 2.5)).toThrow(/steps/);
    expect(() => warmup(-1, constant(1))).toThrow(/steps/);
  });
});
