import { exactMatch, wordOverlap } from "posttrain/sft";
import { describe, expect, it } from "vitest";

describe("exactMatch", () => {
  it.each([
    ["Paris", "paris."],
    ["太阳从东方升起", "太阳从东方升起。"],
    ["ice cream", "Ice-cream!"],
    ["２４小时", "24小时。"],
  ])("takes %j for %j", (answer, reference) => {
    expect(exactMatch(answer, reference)).toBe(true);
  });

  it("tells a longer answer, another order and an empty answer from the reference", () => {
    expect(exactMatch("Paris, of course", "Paris.")).toBe(false);
    expect(exactMatch("fish and cat", "cat and fish")).toBe(false);
    expect(exactMatch("", "Paris.")).toBe(false);
    expect(exactMatch("北京", "东京")).toBe(false);
  });
});

describe("wordOverlap", () => {
  it("is 1 for the same words in any order, and 0 for none in common", () => {
    expect(wordOverlap("fish and cat", "Cat and fish.")).toBe(1);
    expect(wordOverlap("dogs", "cats")).toBe(0);
    expect(wordOverlap("", "cats")).toBe(0);
  });

  it("is 2 · shared words / all words", () => {
    expect(wordOverlap("the cat sat", "the cat ran away")).toBeCloseTo((2 * 2) / (3 + 4), 12);
  });

  it("counts Chinese by characters", () => {
    expect(wordOverlap("地球很大", "地球圆")).toBeCloseTo((2 * 2) / (4 + 3), 12);
    expect(wordOverlap("LoRA很小", "lora 不大")).toBeCloseTo((2 * 1) / (3 + 3), 12);
  });

  it("counts a repeated word only as often as both have it", () => {
    expect(wordOverlap("no no no", "no")).toBeCloseTo((2 * 1) / (3 + 1), 12);
  });

  it("calls two texts without words equal", () => {
    expect(wordOverlap("…", "")).toBe(1);
  });

  it("is the same either way round", () => {
    expect(wordOverlap("a b b", "b c")).toBe(wordOverlap("b c", "a b b"));
  });
});
