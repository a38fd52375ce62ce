import { modelPath } from "posttrain/model";
import { decode, encode, loadTokenizer, type Tokenizer } from "posttrain/tokenizer";
import { beforeAll, describe, expect, it } from "vitest";
import { golden, smallTokenizer } from "./golden.js";

const { cases, pieces } = golden;
const name = (text: string) => JSON.stringify(text).slice(0, 60);
const named = cases.map((entry) => ({ name: name(entry.text), ...entry }));

it("the golden set has more than 200 different strings", () => {
  expect(new Set(cases.map(({ text }) => text)).size).toBeGreaterThan(200);
});

describe("SmolLM2's tokenizer, from its GGUF", () => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(modelPath("smollm2-135m-instruct"));
  });

  it.each(named)("gives transformers' ids and comes back to the same text: $name", ({ text, smollm2 }) => {
    expect(encode(tokenizer, text)).toEqual(smollm2);
    expect(decode(tokenizer, smollm2)).toBe(text);
  });

  it.each(named)("reads special tokens as text when told to: $name", ({ text, smollm2AsText }) => {
    expect(encode(tokenizer, text, { allowSpecial: false })).toEqual(smollm2AsText);
  });

  it("leaves special tokens out of the text when told to", () => {
    for (const { smollm2, smollm2Skipped } of cases) {
      expect(decode(tokenizer, smollm2, { skipSpecialTokens: true })).toBe(smollm2Skipped);
    }
  });

  it("decodes pieces of characters as the reference does", () => {
    for (const { ids, smollm2 } of pieces) expect(decode(tokenizer, ids)).toBe(smollm2);
  });
});

describe("MiniLM's WordPiece tokenizer", () => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(modelPath("all-minilm-l6-v2"));
  });

  it.each(named)("gives transformers' ids: $name", ({ text, minilm, minilmWithSpecial, minilmAsText }) => {
    expect(encode(tokenizer, text)).toEqual(minilm);
    expect(encode(tokenizer, text, { addSpecialTokens: true })).toEqual(minilmWithSpecial);
    expect(encode(tokenizer, text, { allowSpecial: false })).toEqual(minilmAsText);
  });

  it.each(named)("decodes as the reference does: $name", ({ minilm, minilmDecoded }) => {
    expect(decode(tokenizer, minilm)).toBe(minilmDecoded);
  });

  it("cuts and pads nothing, whatever its file says", () => {
    expect(encode(tokenizer, "word ".repeat(300))).toHaveLength(300);
    expect(encode(tokenizer, "word")).toHaveLength(1);
  });
});

describe("a tokenizer of our own training", () => {
  const tokenizer = smallTokenizer();

  it.each(named)("gives the ids of the one that Python trained: $name", ({ text, trained }) => {
    expect(encode(tokenizer, text)).toEqual(trained);
    expect(decode(tokenizer, trained)).toBe(text);
  });
});
