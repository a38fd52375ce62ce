import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../src/model/files/index.js";
import { digest, fixture, golden } from "../../files/golden.js";

const places = [
  ["gpt2", "gpt2"],
  ["llama", "llama"],
  ["qwen2", "qwen2"],
  ["llama", "llama-sharded"],
  ["llama", "llama.gguf"],
  ["qwen2", "qwen2.gguf"],
] as const;

const copyOf = (name: string): string => {
  const folder = mkdtempSync(join(tmpdir(), "posttrain-checkpoint-"));
  cpSync(fixture(name), folder, { recursive: true });
  return folder;
};

describe("openCheckpoint", () => {
  it.each(
    places,
  )("has every weight of the %s that transformers made, number for number: %s", (model, place) => {
    const checkpoint = openCheckpoint(fixture(place));
    const expected = golden.models[model];
    expect([...checkpoint.tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [name, numbers] of Object.entries(expected)) {
      expect(digest(checkpoint.tensors.get(name)?.shape ?? [], checkpoint.read(name)), name).toEqual(numbers);
    }
    checkpoint.close();
  });

  it("reads the same configuration from a folder and from a GGUF", () => {
    const [folder, gguf] = ["llama", "llama.gguf"].map((name) => openCheckpoint(fixture(name)));
    expect(gguf?.config).toEqual({
      ...folder?.config,
      bosTokenId: undefined,
      normEpsilon: Math.fround(1e-6),
    });
    expect(folder?.config).toMatchObject({ keyValueHeads: 2, headSize: 8, rotaryBase: 5000, eosTokenId: 2 });
    folder?.close();
    gguf?.close();
  });

  it("finds Qwen2's biases and tied embeddings in either kind of file", () => {
    for (const name of ["qwen2", "qwen2.gguf"]) {
      const { config, close } = openCheckpoint(fixture(name));
      expect(config).toMatchObject({
        architecture: "qwen2",
        attentionBias: true,
        mlpBias: false,
        tiedEmbeddings: true,
      });
      close();
    }
  });

  it("reads a GPT-2 stored without its outer name, and passes over its masks", () => {
    const folder = copyOf("gpt2");
    const path = join(folder, "model.safetensors");
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE());
    const header = bytes
      .toString("utf8", 8, 8 + length)
      .replaceAll('"transformer.', '"')
      .padEnd(length);
    writeFileSync(
      path,
      Buffer.concat([bytes.subarray(0, 8), Buffer.from(header), bytes.subarray(8 + length)]),
    );
    const checkpoint = openCheckpoint(folder);
    expect(checkpoint.tensors.has("transformer.h.1.mlp.c_fc.weight")).toBe(true);
    checkpoint.close();
  });

  it("refuses what is no path", () => {
    expect(() => openCheckpoint(undefined as never)).toThrow(/loaded from a path, not from undefined/);
    expect(() => openCheckpoint("")).toThrow(/loaded from a path, not from ""/);
  });

  it("names the file that is missing", () => {
    expect(() => openCheckpoint("/nowhere/at/all")).toThrow(/there is no model at \/nowhere\/at\/all/);
    const folder = copyOf("llama");
    rmSync(join(folder, "model.safetensors"));
    expect(() => openCheckpoint(folder)).toThrow(/there is no .*model\.safetensors/);
    rmSync(join(folder, "config.json"));
    expect(() => openCheckpoint(folder)).toThrow(/there is no .*config\.json/);
  });

  it("refuses an index that points out of its folder", () => {
    const folder = copyOf("llama-sharded");
    const index = { weight_map: { "model.norm.weight": "../elsewhere.safetensors" } };
    writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify(index));
    expect(() => openCheckpoint(folder)).toThrow(/model\.safetensors\.index\.json/);
  });

  it("refuses a GGUF that holds something else than a model we compute, naming the key", () => {
    expect(() => openCheckpoint(fixture("types.gguf"))).toThrow(/metadata "llama\.block_count"/);
  });

  it("names a weight that the file does not have", () => {
    const checkpoint = openCheckpoint(fixture("llama"));
    expect(() => checkpoint.read("model.layers.9.mlp.up_proj.weight")).toThrow(/no weight "model\.layers\.9/);
    checkpoint.close();
  });
});
