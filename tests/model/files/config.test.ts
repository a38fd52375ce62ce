import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fromHuggingFace, toHuggingFace } from "../../../src/model/files/index.js";
import { fixture } from "../../files/golden.js";

const read = (name: string) => JSON.parse(readFileSync(join(fixture(name), "config.json"), "utf8"));
const smol = {
  model_type: "llama",
  vocab_size: 49152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
};

describe("fromHuggingFace", () => {
  it("reads GPT-2's own names", () => {
    expect(fromHuggingFace(read("gpt2"), "config.json")).toMatchObject({
      architecture: "gpt2",
      contextLength: 40,
      intermediateSize: 128,
      norm: "layerNorm",
      positions: "learned",
      activation: "gelu",
      tiedEmbeddings: true,
      attentionBias: true,
      eosTokenId: 0,
    });
  });

  it("reads the base of the rotary angles where either generation of transformers writes it", () => {
    const base = (extra: object) => fromHuggingFace({ ...smol, ...extra }, "config.json").rotaryBase;
    expect(base({})).toBe(10_000);
    expect(base({ rope_theta: 100_000 })).toBe(100_000);
    expect(base({ rope_parameters: { rope_type: "default", rope_theta: 5000 } })).toBe(5000);
  });

  it("fills in what transformers leaves to its defaults", () => {
    expect(fromHuggingFace(smol, "config.json")).toMatchObject({
      keyValueHeads: 9,
      headSize: 64,
      tiedEmbeddings: false,
      attentionBias: false,
      normEpsilon: 1e-6,
    });
    expect(fromHuggingFace({ ...smol, model_type: "qwen2" }, "config.json").attentionBias).toBe(true);
  });

  it("keeps several end-of-text tokens", () => {
    expect(fromHuggingFace({ ...smol, eos_token_id: [2, 0] }, "config.json").eosTokenId).toEqual([2, 0]);
  });

  it.each([
    ["a model that is no decoder of ours", { model_type: "bert" }, /the type "bert" are not supported/],
    ["a missing size", { hidden_size: undefined }, /config\.json: hidden_size:/],
    ["a negative size", { vocab_size: -1 }, /config\.json: vocab_size:/],
    [
      "scaled rope",
      { rope_scaling: { rope_type: "llama3", factor: 8 } },
      /config\.json: rope_scaling\.rope_type:/,
    ],
    ["another activation", { hidden_act: "relu" }, /config\.json: hidden_act:/],
    ["a sliding window", { use_sliding_window: true }, /config\.json: use_sliding_window:/],
    [
      "sizes that contradict each other",
      { num_key_value_heads: 4 },
      /config\.json: .*keyValueHeads cannot be 4/,
    ],
  ])("refuses %s, naming the file and the field", (_, change, message) => {
    expect(() => fromHuggingFace({ ...smol, ...change }, "config.json")).toThrow(message);
  });

  it("refuses what is not an object", () => {
    expect(() => fromHuggingFace(null, "config.json")).toThrow(/config\.json/);
  });
});

describe("toHuggingFace", () => {
  it.each(["gpt2", "llama", "qwen2"])("is read back as the same configuration: %s", (name) => {
    const config = fromHuggingFace(read(name), "config.json");
    expect(fromHuggingFace(JSON.parse(JSON.stringify(toHuggingFace(config))), "config.json")).toEqual(config);
  });
});
