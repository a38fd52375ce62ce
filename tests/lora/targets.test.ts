import { tf, useBackend } from "posttrain/backend";
import { attachSubspace } from "posttrain/diagnostics";
import { PosttrainError } from "posttrain/errors";
import {
  AdapterError,
  type AddAdapterOptions,
  addAdapter,
  deleteAdapter,
  disableAdapters,
  disabled,
  type LoraConfig,
  loraModules,
  loraPlus,
  setAdapter,
} from "posttrain/lora";
import type { TransformerDecoder } from "posttrain/model";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { baseWeights, freshModel, logits, perturb } from "./helpers.js";

beforeAll(async () => {
  await useBackend();
});

beforeEach(() => {
  tf.disposeVariables();
});

/** The paths that a configuration adapts, without their common beginning. */
const adapted = (family: "llama" | "gpt2", config: LoraConfig): string[] => {
  const model = freshModel(family);
  addAdapter(model, config);
  return loraModules(model).map(({ path }) => path.replace(/^(model\.layers|transformer\.h)\./, ""));
};

describe("targets", () => {
  it.each<[string, "llama" | "gpt2", LoraConfig, string[]]>([
    [
      "are PEFT's for Llama by default",
      "llama",
      {},
      ["0.self_attn.q_proj", "0.self_attn.v_proj", "1.self_attn.q_proj", "1.self_attn.v_proj"],
    ],
    ["are PEFT's for GPT-2 by default", "gpt2", {}, ["0.attn.c_attn", "1.attn.c_attn"]],
    [
      "are names of modules at the end of a path",
      "gpt2",
      { targetModules: ["c_proj"] },
      ["0.attn.c_proj", "0.mlp.c_proj", "1.attn.c_proj", "1.mlp.c_proj"],
    ],
    [
      "may say more of the path",
      "gpt2",
      { targetModules: ["mlp.c_proj", "h.1.attn.c_attn"] },
      ["0.mlp.c_proj", "1.attn.c_attn", "1.mlp.c_proj"],
    ],
    ["may be a whole path", "llama", { targetModules: ["model.layers.1.mlp.up_proj"] }, ["1.mlp.up_proj"]],
    [
      "may be a regular expression for whole paths",
      "llama",
      { targetModules: /.*\.1\..*(q|k)_proj/ },
      ["1.self_attn.q_proj", "1.self_attn.k_proj"],
    ],
    [
      "leave out what is excluded by name",
      "llama",
      { excludeModules: ["layers.0.self_attn.q_proj", "v_proj"] },
      ["1.self_attn.q_proj"],
    ],
    [
      "leave out what is excluded by a regular expression",
      "llama",
      { excludeModules: /.*\.0\..*/ },
      ["1.self_attn.q_proj", "1.self_attn.v_proj"],
    ],
    [
      "leave out what is trained in full",
      "llama",
      { targetModules: ["q_proj", "up_proj"], modulesToSave: ["mlp"] },
      ["0.self_attn.q_proj", "1.self_attn.q_proj"],
    ],
    ["may be the output head", "llama", { targetModules: ["lm_head"] }, ["lm_head"]],
  ])("%s", (_, family, config, paths) => {
    expect(adapted(family, config)).toEqual(paths);
  });

  it("are every projection but the output head with all-linear", () => {
    const paths = adapted("llama", { targetModules: "all-linear" });
    expect(paths).toHaveLength(14);
    expect(paths).not.toContain("lm_head");
    expect(adapted("gpt2", { targetModules: "all-linear" })).toHaveLength(8);
  });

  it("have the ranks and alphas of their patterns", () => {
    const model = freshModel("llama");
    addAdapter(model, {
      r: 2,
      loraAlpha: 4,
      rankPattern: { "layers.0.self_attn.q_proj": 3, "self_attn\\.v_.*": 5 },
      alphaPattern: { q_proj: 9 },
    });
    const shapes = loraModules(model).map(({ rank, alpha, scale }) => ({ rank, alpha, scale }));
    expect(shapes).toEqual([
      { rank: 3, alpha: 9, scale: 3 },
      { rank: 5, alpha: 4, scale: 4 / 5 },
      { rank: 2, alpha: 9, scale: 4.5 },
      { rank: 5, alpha: 4, scale: 4 / 5 },
    ]);
  });

  it("are scaled by α/√r with rsLoRA", () => {
    const model = freshModel("llama");
    addAdapter(model, { r: 4, loraAlpha: 6, useRslora: true });
    expect(loraModules(model)[0]?.scale).toBe(3);
  });
});

describe("modules trained in full", () => {
  it("are copies that work while the adapter does, and leave the base as it was", () => {
    const model = freshModel("gpt2");
    const [base, before] = [baseWeights(model), logits(model)];
    const adapter = addAdapter(model, { modulesToSave: ["ln_1", "wte"] });
    expect([...adapter.copies.values()].map(({ name }) => name)).toEqual([
      "transformer.wte.modules_to_save.default.weight",
      "transformer.h.0.ln_1.modules_to_save.default.weight",
      "transformer.h.0.ln_1.modules_to_save.default.bias",
      "transformer.h.1.ln_1.modules_to_save.default.weight",
      "transformer.h.1.ln_1.modules_to_save.default.bias",
    ]);
    expect(logits(model)).toEqual(before);
    perturb(adapter);
    expect(logits(model)).not.toEqual(before);
    expect(disabled(model, () => logits(model))).toEqual(before);
    expect(baseWeights(model)).toEqual(base);
    deleteAdapter(model, "default");
    expect(logits(model)).toEqual(before);
  });

  it.each([
    [
      "lora_only",
      [
        "transformer.h.0.attn.c_attn.modules_to_save.default.bias",
        "transformer.h.1.attn.c_attn.modules_to_save.default.bias",
      ],
    ],
    ["none", []],
  ] as const)("are the biases that bias: %s names", (bias, names) => {
    const model = freshModel("gpt2");
    expect([...addAdapter(model, { bias }).copies.values()].map(({ name }) => name)).toEqual(names);
  });

  it("are all biases of the model with bias: all", () => {
    const model = freshModel("gpt2");
    const biases = model.parameters().filter(({ name }) => name.endsWith(".bias"));
    expect([...addAdapter(model, { bias: "all" }).copies.keys()]).toEqual(biases);
  });
});

describe("what cannot be", () => {
  type Case = [string, LoraConfig, RegExp, AddAdapterOptions?];
  const wrong = (config: unknown) => config as LoraConfig; // as from plain JavaScript
  it.each<Case>([
    ["rank 0", { r: 0 }, /r cannot be 0/],
    ["half a rank", { r: 2.5 }, /r cannot be 2.5/],
    [
      "a rank larger than a layer",
      { r: 9 },
      /rank 9 is larger than model\.layers\.0\.self_attn\.v_proj, which maps 24 numbers to 8/,
    ],
    ["an alpha that is no number", { loraAlpha: Number.NaN }, /loraAlpha cannot be NaN/],
    ["an alpha of 0", { loraAlpha: 0 }, /loraAlpha cannot be 0/],
    ["a dropout of 1", { loraDropout: 1 }, /loraDropout cannot be 1/],
    ["a negative dropout", { loraDropout: -0.1 }, /loraDropout cannot be -0.1/],
    [
      "an unknown initialisation",
      { initLoraWeights: "zeros" as "pissa" },
      /initLoraWeights cannot be "zeros"[\s\S]*kaiming, gaussian, pissa, olora/,
    ],
    ["an unknown bias", { bias: "some" as "all" }, /bias cannot be "some"/],
    ["a rank of 0 in a pattern", { rankPattern: { q_proj: 0 } }, /rankPattern\["q_proj"\] cannot be 0/],
    [
      "a misspelt target",
      { targetModules: ["q_proj", "v_prj"] },
      /no module is named "v_prj"[\s\S]*nearest names are v_proj/,
    ],
    [
      "a misspelt path",
      { targetModules: ["model.layer.1.mlp.up_proj"] },
      /nearest names are model\.layers\.1\.mlp\.up_proj/,
    ],
    ["a name of another family", { targetModules: ["c_attn"] }, /no module is named "c_attn"/],
    [
      "an expression that matches only a part",
      { targetModules: /q_proj/ },
      /leave nothing to adapt[\s\S]*whole path such as model\.layers\.0\.self_attn\.q_proj/,
    ],
    ["an exclusion of everything", { excludeModules: /.*/ }, /leave nothing to adapt/],
    [
      "an embedding as a target",
      { targetModules: ["embed_tokens"] },
      /is an embedding \(model\.embed_tokens\)[\s\S]*modulesToSave/,
    ],
    [
      "a norm as a target",
      { targetModules: ["input_layernorm"] },
      /is a norm \(model\.layers\.0\.input_layernorm\)/,
    ],
    [
      "a misspelt module to save",
      { modulesToSave: ["nrom"] },
      /modulesToSave: no module is named "nrom"[\s\S]*norm/,
    ],
    [
      "a rank for what is not adapted",
      { rankPattern: { up_proj: 3 } },
      /rankPattern: no module is named "up_proj"/,
    ],
    ["a name that is taken", {}, /"default" is attached already/, {}],
    ["a name with a dot", {}, /cannot be named "a\.b"/, { name: "a.b" }],
    ["a name that is no text", {}, /cannot be named 5/, { name: 5 as unknown as string }],
    ["a name with a backslash", {}, /cannot be named/, { name: "a\\b" }],
    ["an option that is not there", wrong({ lora_alpha: 4 }), /no option "lora_alpha"[\s\S]*loraAlpha/],
    ["no options at all", wrong(null), /configuration cannot be null/],
    ["a list for options", wrong(["q_proj"]), /configuration cannot be \["q_proj"\]/],
    [
      "a target that is no list",
      wrong({ targetModules: "q_proj" }),
      /targetModules cannot be "q_proj"[\s\S]*\["q_proj", "v_proj"\]/,
    ],
    ["targets that are no names", wrong({ targetModules: [5] }), /targetModules cannot be \[5\]/],
    ["no targets", { targetModules: [] }, /targetModules \[\] leave nothing to adapt/],
    ["exclusions that are no list", wrong({ excludeModules: "q_proj" }), /excludeModules cannot be "q_proj"/],
    ["modules to save that are no list", wrong({ modulesToSave: "norm" }), /modulesToSave cannot be "norm"/],
    ["a rank as text", wrong({ r: "8" }), /r cannot be "8"/],
    ["a dropout as text", wrong({ loraDropout: "0.1" }), /loraDropout cannot be "0\.1"/],
    ["a switch that is neither on nor off", wrong({ useDora: "yes" }), /useDora cannot be "yes"/],
    ["no pattern", wrong({ rankPattern: null }), /rankPattern cannot be null/],
    ["a pattern that is no expression", { alphaPattern: { "(": 2 } }, /a key of alphaPattern cannot be "\("/],
  ])("is refused by name and leaves the model as it was: %s", (_, config, message, options = {
    name: "new",
  }) => {
    const model = freshModel("llama");
    perturb(addAdapter(model));
    const [before, tensors] = [logits(model), tf.memory().numTensors];
    let error: unknown;
    try {
      addAdapter(model, config, options);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(PosttrainError);
    expect(String(error)).toMatch(message);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(model.adapters.attached.map(({ name }) => name)).toEqual(["default"]);
    expect(logits(model)).toEqual(before);
  });

  it("is told that a tied output head is the embedding", () => {
    const model = freshModel("gpt2");
    expect(() => addAdapter(model, { targetModules: ["lm_head"] })).toThrow(
      /output head is the token embedding/,
    );
  });

  it("is an adapter nobody knows, whose like is named", () => {
    const model = freshModel("llama");
    addAdapter(model, {}, { name: "poet" });
    for (const use of [
      () => setAdapter(model, "poets"),
      () => deleteAdapter(model, "poets"),
      () => loraModules(model, "poets"),
    ]) {
      expect(use).toThrow(/no adapter "poets" is attached[\s\S]*poet/);
    }
    expect(() => deleteAdapter(model, undefined as unknown as string)).toThrow(AdapterError);
    expect(model.adapters.active).toEqual(["poet"]);
  });

  it("is two adapters at work that replace the same weight", () => {
    const model = freshModel("llama");
    addAdapter(model, { modulesToSave: ["norm"] }, { name: "a" });
    addAdapter(model, { modulesToSave: ["norm"] }, { name: "b" });
    expect(() => setAdapter(model, ["a", "b"])).toThrow(/"a" and "b" both replace model\.norm\.weight/);
    expect(model.adapters.active).toEqual(["b"]);
  });

  it("is an adapter of another kind, which is no LoRA", () => {
    const model = freshModel("llama");
    disableAdapters(model);
    const { name } = attachSubspace(model, { dimension: 3, seed: 1 });
    for (const use of [() => setAdapter(model, name), () => deleteAdapter(model, name)]) {
      expect(use).toThrow(/"subspace" is not a LoRA adapter[\s\S]*detach/);
    }
    expect(model.adapters.inUse.map(({ name }) => name)).toEqual(["subspace"]);
  });

  it("is something other than a function to run without adapters", () => {
    const model = freshModel("llama");
    expect(() => disabled(model, undefined as unknown as () => void)).toThrow(/needs a function/);
  });

  it("is something other than a decoder", () => {
    expect(() => addAdapter({} as TransformerDecoder)).toThrow(AdapterError);
  });

  it.each([0, -1, Number.NaN])("is a LoRA+ ratio of %d", (ratio) => {
    expect(() => loraPlus(ratio)).toThrow(/ratio/);
  });
});
