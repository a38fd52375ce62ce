import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DataError } from "posttrain/errors";
import { modelPath } from "posttrain/model";
import { encode, loadTokenizer, StreamDecoder, saveTokenizer, type Tokenizer } from "posttrain/tokenizer";
import { beforeAll, describe, expect, it } from "vitest";
import { golden, smallTokenizer } from "./golden.js";

const folder = () => mkdtempSync(join(tmpdir(), "posttrain-tokenizer-"));

const ggufFixture = (name: string) =>
  fileURLToPath(new URL(`../golden/tokenizer/${name}.gguf`, import.meta.url));

/** The small tokenizer saved, its tokenizer.json changed. */
function changed(change: (json: Record<string, unknown>) => unknown): string {
  const path = folder();
  saveTokenizer(smallTokenizer(), path);
  const file = join(path, "tokenizer.json");
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, "utf8")))));
  return path;
}

describe("loadTokenizer", () => {
  it("knows SmolLM2's special tokens, and pads with another token than the one that ends a text", async () => {
    const tokenizer = await loadTokenizer(modelPath("smollm2-135m-instruct"));
    expect(tokenizer).toMatchObject({
      vocabSize: 49152,
      bosToken: { content: "<|im_start|>", id: 1 },
      eosToken: { content: "<|im_end|>", id: 2 },
      padToken: { content: "<|endoftext|>", id: 0 },
      isByteLevel: true,
    });
    expect(tokenizer.addedTokens).toHaveLength(17);
  });

  it("knows MiniLM's, from the files beside its tokenizer.json", async () => {
    const path = modelPath("all-minilm-l6-v2");
    for (const place of [path, join(path, "tokenizer.json")]) {
      expect(await loadTokenizer(place)).toMatchObject({
        vocabSize: 30522,
        bosToken: { id: 101 },
        eosToken: { id: 102 },
        padToken: { id: 0 },
        unkToken: { id: 100 },
        isByteLevel: false,
      });
    }
  });

  it("takes a token called __proto__ for a token", async () => {
    const path = folder();
    saveTokenizer(smallTokenizer(), path);
    const file = join(path, "tokenizer.json");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace('"vocab": {', '"vocab": {"__proto__": 600,'));
    const tokenizer = await loadTokenizer(path);
    expect(tokenizer.tokenToId("__proto__")).toBe(600);
    expect(tokenizer.vocabSize).toBe(601);
  });

  it("takes the default one of several chat templates, special tokens written as objects, and nulls", async () => {
    const path = folder();
    saveTokenizer(smallTokenizer(), path);
    const config = {
      eos_token: { content: "<|endoftext|>", special: true },
      pad_token: null,
      chat_template: [
        { name: "tool_use", template: "tools" },
        { name: "default", template: "plain" },
      ],
    };
    writeFileSync(join(path, "tokenizer_config.json"), JSON.stringify(config));
    const tokenizer = await loadTokenizer(path);
    expect(tokenizer.eosToken?.content).toBe("<|endoftext|>");
    // chat_template.jinja wins over the config, as in transformers.
    expect(tokenizer.chatTemplate).toBe(smallTokenizer().chatTemplate);
  });

  it.each([
    [
      "a file that is not there",
      () => "/nowhere/tokenizer.json",
      "tokenizer/missing-file",
      /no tokenizer at \/nowhere/,
    ],
    ["a folder without one", folder, "tokenizer/missing-file", /no tokenizer at .*tokenizer\.json/],
    [
      "text that is no JSON",
      () => fileURLToPath(import.meta.url),
      "tokenizer/not-a-tokenizer",
      /is not JSON/,
    ],
    [
      "JSON of another kind",
      () => changed(() => ({ hello: 1 })),
      "tokenizer/not-a-tokenizer",
      /has no "model"/,
    ],
    ["JSON that is null", () => changed(() => null), "tokenizer/not-a-tokenizer", /has no "model"/],
    [
      "an unknown kind of model",
      () => changed((json) => ({ ...json, model: { type: "Unigram", vocab: [] } })),
      "tokenizer/unknown-model-type",
      /kind "Unigram" are not supported[\s\S]*Byte-level BPE/,
    ],
    [
      "a BPE on characters",
      () => changed((json) => ({ ...json, decoder: null })),
      "tokenizer/unknown-model-type",
      /SentencePiece/,
    ],
    [
      "ids that are not numbers",
      () => changed((json) => ({ ...json, model: { ...(json.model as object), vocab: { a: "0" } } })),
      "tokenizer/damaged",
      /model\.vocab: expected tokens with their ids/,
    ],
    [
      "an added token without a text",
      () => changed((json) => ({ ...json, added_tokens: [{ id: 3 }] })),
      "tokenizer/damaged",
      /added_tokens\.0\.content/,
    ],
  ])("refuses %s with a named error", async (_, path, code, message) => {
    const error = await loadTokenizer(path()).catch((reason) => reason);
    expect(error).toBeInstanceOf(DataError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each(
    Object.entries(golden.gguf),
  )("cuts words as the family does that the GGUF names: %s", async (name, ids) => {
    const tokenizer = await loadTokenizer(ggufFixture(name));
    for (const [i, { text }] of golden.cases.entries()) expect(encode(tokenizer, text), text).toEqual(ids[i]);
  });

  it("refuses a GGUF whose words we do not know how to cut", async () => {
    await expect(loadTokenizer(ggufFixture("strange"))).rejects.toThrow(/pre "strange" is not supported/);
  });

  it("refuses a GGUF without a tokenizer", async () => {
    const path = fileURLToPath(new URL("../golden/files/types.gguf", import.meta.url));
    await expect(loadTokenizer(path)).rejects.toThrow(/no tokenizer we can read: tokenizer\.ggml\.model/);
  });
});

describe("Tokenizer", () => {
  let tokenizer: Tokenizer;
  beforeAll(() => {
    tokenizer = smallTokenizer();
  });

  it("has the exact bytes of every token: together they are the text", () => {
    for (const { text, trained } of golden.cases) {
      expect(Buffer.concat(trained.map((id) => tokenizer.tokenBytes(id))).toString()).toBe(text);
    }
    expect(tokenizer.tokenBytes(2)).toEqual(new TextEncoder().encode("<|im_end|>"));
  });

  it("finds a token by its id and an id by its token", () => {
    for (let id = 0; id < tokenizer.vocabSize; id++) {
      expect(tokenizer.tokenToId(tokenizer.idToToken(id) ?? "")).toBe(id);
    }
    expect(tokenizer.tokenToId("no such token")).toBeUndefined();
    expect(tokenizer.idToToken(tokenizer.vocabSize)).toBeUndefined();
  });

  it("refuses ids that are not in the vocabulary, and texts that are not text", () => {
    for (const id of [tokenizer.vocabSize, -1, 1.5, Number.NaN]) {
      expect(() => tokenizer.decode([id])).toThrow(/not in the vocabulary[\s\S]*0 to 599/);
    }
    expect(() => encode(tokenizer, 3 as unknown as string)).toThrow(/takes a string, got number/);
  });

  it("decodes nothing as nothing, and typed arrays as arrays", () => {
    expect(tokenizer.decode([])).toBe("");
    expect(tokenizer.decode(Int32Array.from(tokenizer.encode("你好")))).toBe("你好");
  });
});

describe("StreamDecoder", () => {
  it("gives the whole text in the end, and only whole characters on the way", () => {
    const tokenizer = smallTokenizer();
    for (const { text, trained } of golden.cases) {
      const stream = new StreamDecoder(tokenizer);
      const parts = trained.map((id) => stream.push(id));
      if (!text.includes("\ufffd")) expect(parts.join("")).not.toContain("\ufffd");
      expect(parts.join("") + stream.end()).toBe(text);
    }
  });

  it("waits for the last byte of a Chinese character", () => {
    const tokenizer = smallTokenizer();
    const ids = encode(tokenizer, "龘");
    const stream = new StreamDecoder(tokenizer);
    expect(ids.map((id) => stream.push(id))).toEqual(["", "", "龘"]);
  });

  it("shows what never became a character as U+FFFD, and passes over special tokens when told to", () => {
    const tokenizer = smallTokenizer();
    const stream = new StreamDecoder(tokenizer, { skipSpecialTokens: true });
    expect(stream.push(2)).toBe("");
    expect(stream.push(encode(tokenizer, "龘")[0] ?? 0)).toBe("");
    expect(stream.end()).toBe("\ufffd");
  });

  it("is for byte-level tokenizers", async () => {
    const wordPiece = await loadTokenizer(modelPath("all-minilm-l6-v2"));
    expect(() => new StreamDecoder(wordPiece)).toThrow(/only byte-level/);
  });
});
