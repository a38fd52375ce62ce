import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tf, useBackend } from "posttrain/backend";
import { DataError, type PosttrainError } from "posttrain/errors";
import { openSafetensors, type TensorEntry, writeSafetensors } from "posttrain/files";
import {
  AdapterError,
  addAdapter,
  deleteAdapter,
  type LoraConfig,
  listAdapters,
  loadAdapter,
  loraModules,
  saveAdapter,
  setAdapter,
} from "posttrain/lora";
import type { TransformerDecoder } from "posttrain/model";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import golden from "../golden/lora.json";
import { goldenAdapter, tinyBase } from "./golden.js";
import { freshModel, largestGap, logits, perturb } from "./helpers.js";

const WEIGHTS = "adapter_model.safetensors";
const CONFIG = "adapter_config.json";

let folder: string;
beforeAll(() => useBackend());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "posttrain-lora-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"));

describe.each(golden.adapters)("PEFT's $name, loaded and saved again", ({ name, model: of }) => {
  const base = tinyBase();
  base.use(of);

  it("has the very same bytes", async () => {
    await loadAdapter(base.model, goldenAdapter(name));
    await saveAdapter(base.model, folder);
    const ours = openSafetensors(join(folder, WEIGHTS));
    const theirs = openSafetensors(join(goldenAdapter(name), WEIGHTS));
    for (const [key, { shape, dtype }] of ours.tensors) {
      expect(theirs.tensors.get(key), key).toMatchObject({ shape, dtype });
      expect(Buffer.compare(ours.readBytes(key), theirs.readBytes(key)), key).toBe(0);
    }
    const notOurs = [...theirs.tensors.keys()].filter((key) => !ours.tensors.has(key));
    expect(notOurs).toEqual(name === "llama-head" ? ["base_model.model.lm_head.base_layer.weight"] : []);
    ours.close();
    theirs.close();
  });

  it("has the same configuration, its saved modules named in full", async () => {
    await loadAdapter(base.model, goldenAdapter(name));
    await saveAdapter(base.model, folder, { baseModel: `model/${of}` });
    const [ours, theirs] = [folder, goldenAdapter(name)].map((place) => readJson(join(place, CONFIG)));
    const { modules_to_save: saved, ...rest } = theirs;
    expect(ours).toMatchObject(rest);
    expect(Object.keys(ours)).toEqual(Object.keys(theirs));
    expect(ours.modules_to_save === null).toBe(saved === null);
  });
});

describe("an adapter that is saved and loaded again", () => {
  let model: TransformerDecoder;
  afterEach(() => model.dispose());

  const configs: LoraConfig[] = [
    { r: 3, loraAlpha: 5, loraDropout: 0.1 },
    { targetModules: "all-linear", useDora: true, initLoraWeights: "gaussian" },
    { targetModules: /.*0\.(mlp|self_attn)\..*/, excludeModules: /.*up_proj/, useRslora: true },
    { rankPattern: { q_proj: 2 }, alphaPattern: { v_proj: 1 }, modulesToSave: ["norm"] },
  ];

  it.each(configs)("computes the same, with the same configuration: %j", async (config) => {
    model = freshModel("llama");
    const made = addAdapter(model, config, { name: "made" });
    perturb(made);
    const before = logits(model);
    await saveAdapter(model, folder, { name: "made" });
    const loaded = await loadAdapter(model, folder, { name: "loaded" });
    expect(logits(model)).toEqual(before);
    const { targetModules, modulesToSave, ...rest } = made.config;
    expect(loaded.config).toMatchObject({ ...rest, initLoraWeights: config.initLoraWeights ?? "kaiming" });
    expect([...loaded.layers.keys()]).toEqual([...made.layers.keys()]);
    expect([...loaded.copies.keys()]).toEqual([...made.copies.keys()]);
  });

  it.each(["F16", "BF16"] as const)("keeps its size of two bytes a number as %s", async (dtype) => {
    model = freshModel("gpt2");
    perturb(addAdapter(model));
    const before = logits(model);
    await saveAdapter(model, folder, { dtype });
    const file = openSafetensors(join(folder, WEIGHTS));
    expect([...file.tensors.values()].every((tensor) => tensor.dtype === dtype)).toBe(true);
    file.close();
    await loadAdapter(model, folder, { name: "loaded" });
    const gap = largestGap(logits(model), before);
    expect(gap).toBeGreaterThan(0);
    expect(gap).toBeLessThan(0.02);
  });

  it("is trainable and at work, and the other adapters are not", async () => {
    model = freshModel("llama");
    addAdapter(model, {}, { name: "made" });
    await saveAdapter(model, folder, { name: "made" });
    const loaded = await loadAdapter(model, folder, { name: "loaded" });
    expect(listAdapters(model).map(({ name, active }) => [name, active])).toEqual([
      ["made", false],
      ["loaded", true],
    ]);
    expect(model.parameters().filter(({ trainable }) => trainable)).toEqual(loaded.parameters());
  });

  it("is saved though it is not at work", async () => {
    model = freshModel("llama");
    perturb(addAdapter(model, {}, { name: "first" }));
    const before = logits(model);
    addAdapter(model, {}, { name: "second" });
    await saveAdapter(model, folder, { name: "first" });
    await loadAdapter(model, folder, { name: "loaded" });
    expect(logits(model)).toEqual(before);
  });

  it("leaves no tensor behind", async () => {
    model = freshModel("llama");
    perturb(addAdapter(model, { initLoraWeights: "pissa", r: 4 }, { name: "made" }));
    const before = tf.memory().numTensors;
    await saveAdapter(model, folder, { name: "made" });
    expect(tf.memory().numTensors).toBe(before);
    const { parameters } = await loadAdapter(model, folder, { name: "loaded" }).then((adapter) => ({
      parameters: adapter.parameters().length,
    }));
    expect(tf.memory().numTensors).toBe(before + parameters);
    deleteAdapter(model, "loaded");
    expect(tf.memory().numTensors).toBe(before);
  });

  it("replaces an older one as a whole, and leaves other files of the folder alone", async () => {
    model = freshModel("llama");
    addAdapter(model, { r: 2 });
    const alone = join(folder, "alone");
    const shared = join(folder, "shared");
    mkdirSync(shared);
    writeFileSync(join(shared, "README.md"), "mine");
    for (const place of [alone, shared]) {
      await saveAdapter(model, place);
      await saveAdapter(model, place);
    }
    expect(readdirSync(alone).sort()).toEqual([CONFIG, WEIGHTS]);
    expect(readdirSync(shared).sort()).toEqual(["README.md", CONFIG, WEIGHTS]);
    expect(readdirSync(folder).sort()).toEqual(["alone", "shared"]);
  });

  it("is written whether or not the folder is there, ends with a slash, or is the one that the process works in", async () => {
    model = freshModel("llama");
    addAdapter(model);
    const slashed = `${join(folder, "slashed")}/`;
    const here = mkdtempSync(join(folder, "here-"));
    const outside = process.cwd();
    process.chdir(here);
    try {
      for (let time = 0; time < 2; time++) {
        await saveAdapter(model, slashed);
        await saveAdapter(model, ".");
      }
      expect(readdirSync(".").sort()).toEqual([CONFIG, WEIGHTS]);
    } finally {
      process.chdir(outside);
    }
    expect(readdirSync(slashed).sort()).toEqual([CONFIG, WEIGHTS]);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it("says where it cannot be written, and leaves what is there", async () => {
    model = freshModel("llama");
    addAdapter(model);
    const taken = join(folder, "taken");
    writeFileSync(taken, "a file");
    await expect(saveAdapter(model, join(taken, "adapter"))).rejects.toThrow(DataError);
    expect(readFileSync(taken, "utf8")).toBe("a file");
  });

  it.each([undefined, "", 5])("is not written to %j, nor read from it", async (path) => {
    model = freshModel("llama");
    addAdapter(model);
    await expect(saveAdapter(model, path as string)).rejects.toThrow(/is no path of a folder/);
    await expect(loadAdapter(model, path as string, { name: "x" })).rejects.toThrow(/is no path of a folder/);
  });

  it("names the adapters that there are when none has the name", async () => {
    model = freshModel("llama");
    addAdapter(model, {}, { name: "helpful" });
    await expect(saveAdapter(model, folder, { name: "helpfull" })).rejects.toThrow(/There is helpful/);
  });
});

describe("loadAdapter refuses", () => {
  const base = tinyBase();
  base.use("llama");

  /** Changes a copy of an adapter's files, and expects an error that leaves the model as it was. */
  async function expectRefusal(
    change: (place: string) => void,
    { message, kind = DataError, adapter = "llama-lora" }: Refusal,
  ): Promise<void> {
    const { model } = base;
    const place = join(folder, "adapter");
    cpSync(goldenAdapter(adapter), place, { recursive: true });
    change(place);
    perturb(addAdapter(model, {}, { name: "there" }));
    setAdapter(model, []);
    setAdapter(model, "there");
    const state = () => ({
      tensors: tf.memory().numTensors,
      adapters: listAdapters(model),
      trainable: model.parameters().map(({ trainable }) => trainable),
    });
    const [before, computed] = [state(), logits(model)];
    const error = await loadAdapter(model, place).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(kind);
    expect((error as PosttrainError).message).toMatch(message);
    expect((error as PosttrainError).hint).not.toBe("");
    expect(state()).toEqual(before);
    expect(logits(model)).toEqual(computed);
  }

  interface Refusal {
    message: RegExp;
    kind?: typeof PosttrainError;
    adapter?: string;
  }

  const rewrite = (place: string, change: (tensors: TensorEntry[]) => TensorEntry[]): void => {
    const file = openSafetensors(join(place, WEIGHTS));
    const all = [...file.tensors].map(([name, { shape }]) => ({ name, shape, data: file.read(name) }));
    file.close();
    writeSafetensors(join(place, WEIGHTS), change(all));
  };
  const configure = (place: string, settings: object): void => {
    const path = join(place, CONFIG);
    writeFileSync(path, JSON.stringify({ ...readJson(path), ...settings }));
  };
  const first = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";

  it("a folder without a configuration", () =>
    expectRefusal((place) => rmSync(join(place, CONFIG)), { message: /there is no .*adapter_config\.json/ }));

  it("a folder without weights", () =>
    expectRefusal((place) => rmSync(join(place, WEIGHTS)), {
      message: /there is no .*adapter_model\.safetensors/,
    }));

  it("a pickle, saying how to convert it", () =>
    expectRefusal(
      (place) => {
        rmSync(join(place, WEIGHTS));
        writeFileSync(join(place, "adapter_model.bin"), "PK");
      },
      { message: /safe_serialization=True/ },
    ));

  it("a configuration that is not JSON", () =>
    expectRefusal((place) => writeFileSync(join(place, CONFIG), "{ r: 8"), { message: /is not JSON/ }));

  it("weights that are not safetensors", () =>
    expectRefusal((place) => writeFileSync(join(place, WEIGHTS), "weights"), { message: /is damaged/ }));

  it.each([10, 200, 900])("a file cut off after %i bytes", (bytes) =>
    expectRefusal(
      (place) => {
        const path = join(place, WEIGHTS);
        writeFileSync(path, readFileSync(path).subarray(0, bytes));
      },
      { message: /is damaged/ },
    ));

  it("a file that lacks a tensor, naming it", () =>
    expectRefusal((place) => rewrite(place, (all) => all.filter(({ name }) => name !== first)), {
      message: new RegExp(`has no tensor "${first}"`),
    }));

  it("a file with tensors that nothing asks for, naming the first", () =>
    expectRefusal(
      (place) =>
        rewrite(place, (all) => [
          ...all,
          { name: "base_model.model.x", shape: [1], data: new Float32Array(1) },
        ]),
      { message: /1 more tensors than this model has: "base_model\.model\.x"/ },
    ));

  it("weights of projections that the configuration does not target", () =>
    expectRefusal((place) => configure(place, { target_modules: ["q_proj"] }), {
      message: /4 more tensors than its configuration asks for: ".*v_proj/,
    }));

  it("a file with NaN, naming the tensor", () =>
    expectRefusal(
      (place) =>
        rewrite(place, (all) =>
          all.map((entry) =>
            entry.name === first ? { ...entry, data: new Float32Array(96).fill(Number.NaN) } : entry,
          ),
        ),
      { message: /holds NaN in ".*layers\.0\.self_attn\.q_proj\.lora_A/ },
    ));

  it("a configuration of another rank, with both shapes", () =>
    expectRefusal((place) => configure(place, { r: 8 }), {
      message: /of shape \[4,24\], but its configuration asks for \[8,24\]/,
    }));

  it("DoRA without its lengths", () =>
    expectRefusal((place) => configure(place, { use_dora: true }), {
      message: /has no tensor ".*lora_magnitude_vector"/,
    }));

  it.each([
    ["r", 0],
    ["r", 2.5],
    ["lora_alpha", "8"],
    ["lora_alpha", -1],
    ["lora_dropout", 1],
    ["bias", "some"],
    ["target_modules", null],
    ["target_modules", []],
    ["target_modules", "q_proj("],
    ["rank_pattern", { "q_proj(": 4 }],
    ["alpha_pattern", { "[": 4 }],
    ["peft_type", "ADALORA"],
    ["task_type", "SEQ_CLS"],
    ["init_lora_weights", "loftq"],
    ["init_lora_weights", "pissa_niter_4"],
    ["layers_to_transform", [0]],
    ["layers_pattern", "layers"],
    ["lora_bias", true],
    ["use_qalora", true],
    ["trainable_token_indices", [1, 2]],
    ["target_parameters", ["experts"]],
    ["alora_invocation_tokens", [7]],
    ["layer_replication", [[0, 1]]],
    ["a_feature_of_tomorrow", 3],
  ])("a configuration with %s at %j, naming the key", (key, value) =>
    expectRefusal((place) => configure(place, { [key]: value }), {
      message: new RegExp(`${CONFIG}: ${key}`),
    }));

  it("an adapter for modules that this model lacks", () =>
    expectRefusal(() => {}, {
      adapter: "gpt2-lora",
      kind: AdapterError,
      message: /adapts transformer\.h\.0\.attn\.c_attn, which this model does not have/,
    }));

  it("an adapter for a base with more layers", () =>
    expectRefusal(
      (place) =>
        rewrite(place, (all) =>
          all.map((entry) => ({ ...entry, name: entry.name.replace("layers.1", "layers.2") })),
        ),
      {
        kind: AdapterError,
        message: /adapts model\.layers\.2\.self_attn\.q_proj/,
      },
    ));

  it("an adapter for a base of other widths, with both shapes", async () => {
    await expectRefusal(() => {}, {
      adapter: "qwen2-lora",
      kind: AdapterError,
      message:
        /"base_model\.model\.model\.layers\.0\.self_attn\.k_proj\.lora_B\.weight" is \[12,4\], but .* needs \[16, 4\]/,
    });
  });

  it("a copy of a weight that has another shape here", () =>
    expectRefusal(
      (place) =>
        rewrite(place, (all) =>
          all.map((entry) => (entry.name.endsWith("lm_head.weight") ? { ...entry, shape: [24, 61] } : entry)),
        ),
      {
        adapter: "llama-modules-to-save",
        kind: AdapterError,
        message: /is \[24,61\], but in this model it is \[61,24\]/,
      },
    ));

  it("a name that is taken", async () => {
    addAdapter(base.model, {}, { name: "taken" });
    await expect(loadAdapter(base.model, goldenAdapter("llama-lora"), { name: "taken" })).rejects.toThrow(
      /"taken" is attached already/,
    );
    expect(loraModules(base.model, "taken")).toHaveLength(4);
  });
});

describe("loadAdapter", () => {
  const base = tinyBase();
  base.use("qwen2");

  it("refuses a copy of the embedding alone where it is the head as well", async () => {
    const place = join(folder, "adapter");
    cpSync(goldenAdapter("qwen2-tied-copy"), place, { recursive: true });
    const path = join(place, WEIGHTS);
    const file = openSafetensors(path);
    const all = [...file.tensors].map(([name, { shape }]) => ({ name, shape, data: file.read(name) }));
    file.close();
    writeSafetensors(
      path,
      all.filter(({ name }) => !name.includes("lm_head")),
    );
    await expect(loadAdapter(base.model, place)).rejects.toThrow(/ensure_weight_tying=True/);
    for (const { name, data } of all) if (name.includes("lm_head")) data[0] = 5;
    writeSafetensors(path, all);
    await expect(loadAdapter(base.model, place)).rejects.toThrow(/not that of the output head too/);
  });

  it("takes what earlier versions of PEFT wrote: fewer keys, and DoRA's lengths under a longer name", async () => {
    const place = join(folder, "adapter");
    perturb(addAdapter(base.model, { useDora: true }, { name: "made" }));
    const before = logits(base.model);
    await saveAdapter(base.model, place, { name: "made" });
    const { peft_type, target_modules, use_dora } = readJson(join(place, CONFIG));
    writeFileSync(join(place, CONFIG), JSON.stringify({ peft_type, target_modules, use_dora }));
    const file = openSafetensors(join(place, WEIGHTS));
    const all = [...file.tensors].map(([name, { shape }]) => ({
      name: name.replace(/magnitude_vector$/, "magnitude_vector.weight"),
      shape,
      data: file.read(name),
    }));
    file.close();
    writeSafetensors(join(place, WEIGHTS), all);
    await loadAdapter(base.model, place, { name: "old" });
    expect(logits(base.model)).toEqual(before);
  });
});
