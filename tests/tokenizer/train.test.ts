import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode, encode, loadTokenizer, saveTokenizer, trainBpe } from "posttrain/tokenizer";
import { describe, expect, it } from "vitest";
import { corpus, golden, smallTokenizer } from "./golden.js";

const folder = () => mkdtempSync(join(tmpdir(), "posttrain-tokenizer-"));

describe("trainBpe", () => {
  it.each(
    golden.trainings,
  )("learns the tokens and merges that Python's trainer learns: $vocabSize tokens, met at least $minFrequency times", ({
    vocabSize,
    minFrequency,
    tokens,
    merges,
  }) => {
    const tokenizer = trainBpe(corpus, { vocabSize, minFrequency });
    expect(tokenizer.json.model).toMatchObject({ merges });
    expect(Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.idToToken(id))).toEqual(tokens);
  });

  it("merges the pair that meets most often first, and the smaller ids among equals", () => {
    const { json } = trainBpe(["abab abab cdcd"], { vocabSize: 259, specialTokens: [] });
    // ab meets 4 times; then cd and abab meet twice each, and c has the smaller id.
    const merges = [
      ["a", "b"],
      ["c", "d"],
      ["ab", "ab"],
    ];
    expect(json.model).toMatchObject({ merges });
  });

  it("stops short of the size when no pair is left", () => {
    expect(trainBpe(["ab"], { vocabSize: 1000, specialTokens: [] }).vocabSize).toBe(257);
    expect(trainBpe(["ab ab", "cd"], { vocabSize: 1000, minFrequency: 2 }).vocabSize).toBe(261);
  });

  it("encodes any text, even of characters it has never seen", () => {
    const tokenizer = trainBpe(["abc"], { vocabSize: 262 });
    const text = "龘 🏴‍☠️ \u0000 ÿ";
    expect(decode(tokenizer, encode(tokenizer, text))).toBe(text);
  });

  it("reads its texts once, from any iterable", () => {
    const lines = function* () {
      yield* corpus;
    };
    expect(trainBpe(lines(), { vocabSize: 400 }).json).toEqual(trainBpe(corpus, { vocabSize: 400 }).json);
  });

  it("gives the special tokens their parts: the end of a text is not padding", () => {
    const tokenizer = trainBpe(corpus, { vocabSize: 300 });
    expect(tokenizer.eosToken).toEqual({ content: "<|im_end|>", id: 2 });
    expect(tokenizer.padToken).toEqual({ content: "<|pad|>", id: 3 });
    expect(tokenizer.bosToken).toBeUndefined();
    const own = trainBpe(corpus, {
      vocabSize: 300,
      specialTokens: ["<s>", "</s>"],
      bosToken: "<s>",
      eosToken: "</s>",
    });
    expect(own).toMatchObject({ bosToken: { id: 0 }, eosToken: { id: 1 }, chatTemplate: undefined });
    expect(own.padToken).toBeUndefined();
  });

  it.each([
    ["no texts", [], /cannot be trained on no text/],
    ["empty texts", ["", ""], /cannot be trained on no text/],
    ["one string", "one string" as unknown as string[], /one string instead of several texts/],
  ])("refuses %s", (_, texts, message) => {
    expect(() => trainBpe(texts, { vocabSize: 300 })).toThrow(message);
  });

  it.each([
    ["a vocabulary smaller than the bytes", { vocabSize: 259 }, /259 tokens is too small[\s\S]*are 260/],
    ["a fractional vocabulary", { vocabSize: 300.5 }, /300\.5 tokens is too small/],
    ["a negative frequency", { vocabSize: 300, minFrequency: -1 }, /minFrequency is -1/],
    ["an empty special token", { vocabSize: 300, specialTokens: ["a", ""] }, /special token 1 is ""/],
    ["a special token twice", { vocabSize: 300, specialTokens: ["a", "a"] }, /special token 1 is "a"/],
    ["an end token that is not there", { vocabSize: 300, eosToken: "<eos>" }, /eosToken "<eos>" is not in/],
  ])("refuses %s", (_, options, message) => {
    expect(() => trainBpe(corpus, options)).toThrow(message);
  });
});

describe("saveTokenizer", () => {
  it("writes a folder that loads as the same tokenizer", async () => {
    const path = folder();
    const tokenizer = smallTokenizer();
    saveTokenizer(tokenizer, path);
    const loaded = await loadTokenizer(path);
    const { json, bosToken, eosToken, padToken, chatTemplate } = tokenizer;
    expect(loaded).toMatchObject({ json, bosToken, eosToken, padToken, chatTemplate });
    for (const { text, trained } of golden.cases) expect(encode(loaded, text)).toEqual(trained);
  });

  it("writes the same bytes when what was loaded is saved again", async () => {
    const [first, second] = [folder(), folder()];
    saveTokenizer(smallTokenizer(), first);
    saveTokenizer(await loadTokenizer(first), join(second, "tokenizer.json"));
    expect(readdirSync(second)).toEqual(readdirSync(first));
    for (const file of readdirSync(first)) {
      expect(readFileSync(join(second, file), "utf8")).toBe(readFileSync(join(first, file), "utf8"));
    }
  });

  it("takes the old chat template away when the tokenizer has none", async () => {
    const path = folder();
    writeFileSync(join(path, "chat_template.jinja"), "old");
    saveTokenizer(trainBpe(corpus, { vocabSize: 300, specialTokens: ["</s>"] }), path);
    expect((await loadTokenizer(path)).chatTemplate).toBeUndefined();
  });

  it("refuses a file name that no loader would find", () => {
    expect(() => saveTokenizer(smallTokenizer(), join(folder(), "mine.json"))).toThrow(/saved as mine\.json/);
  });
});
