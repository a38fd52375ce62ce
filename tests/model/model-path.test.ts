import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ModelName, modelPath } from "posttrain/model";
import { afterEach, describe, expect, it, vi } from "vitest";

const emptyCache = () => mkdtempSync(join(tmpdir(), "posttrain-cache-"));

describe("modelPath", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("looks in $POSTTRAIN_CACHE first, then in $XDG_CACHE_HOME/posttrain, then in the home directory", () => {
    const cache = emptyCache();
    const inPosttrain = join(cache, "posttrain");
    mkdirSync(join(inPosttrain, "models/all-minilm-l6-v2"), { recursive: true });
    const expected = join(inPosttrain, "models/all-minilm-l6-v2");
    vi.stubEnv("POSTTRAIN_CACHE", inPosttrain);
    expect(modelPath("all-minilm-l6-v2")).toBe(expected);
    vi.stubEnv("POSTTRAIN_CACHE", "");
    vi.stubEnv("XDG_CACHE_HOME", cache);
    expect(modelPath("all-minilm-l6-v2")).toBe(expected);
  });

  it("gives the GGUF file of SmolLM2", () => {
    const cache = emptyCache();
    const folder = join(cache, "models/smollm2-135m-instruct");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf"), "");
    vi.stubEnv("POSTTRAIN_CACHE", cache);
    expect(modelPath("smollm2-135m-instruct")).toBe(join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf"));
  });

  it("says how to get a model that is not there yet", () => {
    vi.stubEnv("POSTTRAIN_CACHE", emptyCache());
    expect(() => modelPath("smollm2-135m-instruct")).toThrow(
      /smollm2-135m-instruct is not at[\s\S]*npm start/,
    );
  });

  it("lists the names it knows when asked for another", () => {
    expect(() => modelPath("gpt-5" as ModelName)).toThrow(/no model called "gpt-5"[\s\S]*all-minilm-l6-v2/);
  });
});
