import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Tensor, tf, useBackend } from "posttrain/backend";
import {
  addAdapter,
  combineAdapters,
  type LoraConfig,
  loadAdapter,
  mergeAndUnload,
  saveAdapter,
} from "posttrain/lora";
import { createDecoder, loadDecoder, saveDecoder, type TransformerDecoder } from "posttrain/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { referencePython, setUpReference } from "../../bench/reference-environment.js";
import { checkRequirements } from "../../scripts/setup/requirements.mjs";
import { tiny } from "../model/helpers.js";
import { readTensors } from "./golden.js";
import { largestGap, perturb, taken } from "./helpers.js";

// Python PEFT and transformers run here, of the versions in bench/requirements.txt. The first run installs them.
const MINUTES = 60_000;

const hasPython = (() => {
  try {
    return Boolean(checkRequirements().python);
  } catch {
    return false;
  }
})();

type Family = keyof typeof tiny;

/** What we make and PEFT applies. */
const ours: { what: string; family: Family; config: LoraConfig; second?: LoraConfig }[] = [
  { what: "LoRA on GPT-2's transposed weights", family: "gpt2", config: { targetModules: "all-linear" } },
  { what: "rsLoRA on GPT-2", family: "gpt2", config: { useRslora: true } },
  {
    what: "DoRA on GPT-2",
    family: "gpt2",
    config: { useDora: true, targetModules: ["c_attn", "mlp.c_proj"] },
  },
  { what: "all of GPT-2's biases", family: "gpt2", config: { bias: "all" } },
  { what: "the biases of GPT-2's adapted projections", family: "gpt2", config: { bias: "lora_only" } },
  { what: "a copy of GPT-2's tied embedding", family: "gpt2", config: { modulesToSave: ["wte", "ln_f"] } },
  { what: "PiSSA on GPT-2", family: "gpt2", config: { initLoraWeights: "pissa", targetModules: ["c_attn"] } },
  { what: "LoRA on Llama", family: "llama", config: { r: 4, loraAlpha: 16 } },
  {
    what: "rsLoRA on Llama",
    family: "llama",
    config: { r: 4, useRslora: true, targetModules: "all-linear" },
  },
  { what: "DoRA on Llama", family: "llama", config: { r: 4, useDora: true, targetModules: "all-linear" } },
  {
    what: "OLoRA with rsLoRA on Llama",
    family: "llama",
    config: { r: 4, initLoraWeights: "olora", useRslora: true },
  },
  {
    what: "PiSSA with DoRA and other ranks on Llama",
    family: "llama",
    config: {
      r: 4,
      initLoraWeights: "pissa",
      useDora: true,
      rankPattern: { q_proj: 2 },
      alphaPattern: { "layers.1.self_attn.v_proj": 3 },
    },
  },
  {
    what: "ranks, scales and exclusions by pattern on Llama",
    family: "llama",
    config: {
      targetModules: /.*\.(?<kind>q|up|down)_proj/i,
      excludeModules: ["layers.0.mlp.up_proj"],
      rankPattern: { q_proj: 3, "layers\\.1\\.mlp\\.down_proj": 5 },
      alphaPattern: { "1.self_attn.q_proj": 20 },
    },
  },
  { what: "an adapted head of Llama", family: "llama", config: { targetModules: ["lm_head", "o_proj"] } },
  {
    what: "modules that Llama's adapter saves",
    family: "llama",
    config: { modulesToSave: ["norm", "lm_head"] },
  },
  {
    what: "LoRA on Qwen2, biases too",
    family: "qwen2",
    config: { targetModules: "all-linear", bias: "lora_only" },
  },
  {
    what: "two adapters of Qwen2 combined",
    family: "qwen2",
    config: { r: 3, targetModules: ["q_proj"] },
    second: { r: 4, initLoraWeights: "pissa", targetModules: ["q_proj", "up_proj"] },
  },
  { what: "a copy of Qwen2's tied embedding", family: "qwen2", config: { modulesToSave: ["embed_tokens"] } },
];

/** What PEFT makes and we apply: its own names for the same. */
const theirs: { what: string; family: Family; config: Record<string, unknown> }[] = [
  { what: "LoRA on GPT-2", family: "gpt2", config: { r: 4, target_modules: "all-linear" } },
  { what: "rsLoRA on GPT-2", family: "gpt2", config: { r: 4, use_rslora: true, target_modules: ["c_attn"] } },
  {
    what: "DoRA on GPT-2",
    family: "gpt2",
    config: { r: 4, use_dora: true, target_modules: ["c_attn", "c_fc"] },
  },
  {
    what: "LoRA on Llama",
    family: "llama",
    config: { r: 4, lora_alpha: 16, target_modules: ["q_proj", "v_proj"] },
  },
  {
    what: "rsLoRA on Llama",
    family: "llama",
    config: { r: 4, use_rslora: true, target_modules: "all-linear" },
  },
  { what: "DoRA on Llama", family: "llama", config: { r: 4, use_dora: true, target_modules: "all-linear" } },
  {
    what: "PiSSA on Llama",
    family: "llama",
    config: { r: 4, init_lora_weights: "pissa", target_modules: ["q_proj"] },
  },
  {
    what: "OLoRA on Llama",
    family: "llama",
    config: { r: 4, init_lora_weights: "olora", target_modules: ["o_proj"] },
  },
];

/** What transformers runs without PEFT. */
const merged: { what: string; family: Family; config: LoraConfig }[] = [
  { what: "GPT-2 with LoRA", family: "gpt2", config: { targetModules: "all-linear", bias: "all" } },
  { what: "Llama with DoRA", family: "llama", config: { useDora: true, modulesToSave: ["lm_head"] } },
  { what: "Llama with PiSSA", family: "llama", config: { r: 4, initLoraWeights: "pissa" } },
];

/** A job of peft_round_trip.py. */
interface Job {
  do: "make" | "apply" | "plain";
  base: string;
  adapter?: string;
  config?: object;
}

const tokenIds = [
  [3, 14, 15, 9, 26, 5],
  [35, 8, 9, 7, 40, 3],
];

describe.skipIf(!hasPython)("Python's PEFT and transformers (skipped without Python 3.10 or newer)", () => {
  const jobs: (Job & { tokenIds: number[][]; logits: string })[] = [];
  const ourLogits = new Map<string, Float32Array>();
  let folder: string;
  const place = (kind: string, what: string): string => join(folder, kind, what.replaceAll(/\W+/g, "-"));
  const logitsFile = (what: Job["do"], whom: string): string =>
    `${place("logits", `${what} ${whom}`)}.safetensors`;
  const ask = (job: Job, what: string): void => {
    jobs.push({ ...job, tokenIds, logits: logitsFile(job.do, what) });
  };

  const run = (model: TransformerDecoder): Tensor =>
    tf.tidy(() => model.forward(tf.tensor2d(tokenIds, undefined, "int32")));

  /** A trained adapter of ours, what the model computes with it, and what is to be done with both. */
  async function withAdapter(
    { what, family, config, second }: (typeof ours)[number],
    use: (model: TransformerDecoder) => Promise<void>,
  ): Promise<void> {
    const model = createDecoder(tiny[family], { seed: 3 });
    perturb(addAdapter(model, config, { name: "first", seed: 4 }), 0.3);
    if (second) {
      perturb(addAdapter(model, second, { name: "second", seed: 5 }), 0.3);
      combineAdapters(model, ["first", "second"], [1, -0.5], { name: "both", combination: "cat" });
    }
    ourLogits.set(what, taken(run(model)));
    await use(model);
    model.dispose();
  }

  const expectTheirs = (did: Job["do"], what: string, logits: ArrayLike<number>): void => {
    const theirs = readTensors(logitsFile(did, what)).get("logits") as Tensor;
    expect(largestGap(taken(theirs), logits)).toBeLessThan(1e-4);
  };

  beforeAll(async () => {
    await setUpReference(console.log);
    await useBackend();
    folder = mkdtempSync(join(tmpdir(), "posttrain-peft-"));
    mkdirSync(join(folder, "logits"));
    for (const family of ["gpt2", "llama", "qwen2"] as const) {
      const model = createDecoder(tiny[family], { seed: 3 });
      await saveDecoder(model, place("base", family));
      model.dispose();
    }
    for (const one of ours) {
      const adapter = place("ours", one.what);
      await withAdapter(one, (model) => saveAdapter(model, adapter, { name: one.second ? "both" : "first" }));
      ask({ do: "apply", base: place("base", one.family), adapter }, one.what);
    }
    for (const one of merged) {
      const base = place("merged", one.what);
      await withAdapter(one, async (model) => {
        mergeAndUnload(model);
        await saveDecoder(model, base);
      });
      ask({ do: "plain", base }, one.what);
    }
    for (const { what, family, config } of theirs) {
      ask({ do: "make", base: place("base", family), adapter: place("theirs", what), config }, what);
    }
    const script = join(import.meta.dirname, "peft_round_trip.py");
    writeFileSync(join(folder, "jobs.json"), JSON.stringify(jobs));
    const env = { ...process.env, CUDA_VISIBLE_DEVICES: "", HF_HUB_OFFLINE: "1", PYTHONWARNINGS: "ignore" };
    await promisify(execFile)(referencePython, [script, join(folder, "jobs.json")], {
      env,
      maxBuffer: 1 << 26,
    });
  }, 30 * MINUTES);
  afterAll(() => {
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it.each(ours)("PEFT loads what we saved and computes the same: $what", ({ what }) => {
    expectTheirs("apply", what, ourLogits.get(what) ?? []);
  });

  it.each(ours)("we load what we saved and compute the same: $what", async ({ what, family }) => {
    const model = await loadDecoder(place("base", family));
    await loadAdapter(model, place("ours", what));
    expect(largestGap(taken(run(model)), ourLogits.get(what) ?? [])).toBeLessThan(1e-4);
    model.dispose();
  });

  it.each(theirs)("we load what PEFT saved and compute the same: $what", async ({ what, family }) => {
    const model = await loadDecoder(place("base", family));
    await loadAdapter(model, place("theirs", what));
    expectTheirs("make", what, taken(run(model)));
    model.dispose();
  });

  it.each(merged)("transformers loads a merged model and computes the same: $what", ({ what }) => {
    expectTheirs("plain", what, ourLogits.get(what) ?? []);
  });
});
