import * as z from "zod";
import { DataError } from "../errors.js";
import { isExpression } from "./check-config.js";
import type { LoraConfig, LoraInitialisation } from "./config.js";

const expression = z
  .string()
  .refine(isExpression, "a key is no regular expression that JavaScript understands");

/**
 * `adapter_config.json` as PEFT writes it, as far as this library computes it too. Versions before 0.21 lack some
 * of the keys; what they leave out is at its default.
 */
const known = z.looseObject({
  peft_type: z.literal("LORA"),
  task_type: z.literal("CAUSAL_LM").nullish(),
  base_model_name_or_path: z.string().nullish(),
  r: z.int().positive().default(8),
  lora_alpha: z.number().positive().default(8),
  lora_dropout: z.number().min(0).lt(1).default(0),
  target_modules: z.union([z.string(), z.array(z.string()).nonempty()]),
  exclude_modules: z.union([z.string(), z.array(z.string())]).nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  rank_pattern: z.record(expression, z.int().positive()).nullish(),
  alpha_pattern: z.record(expression, z.number().positive()).nullish(),
  bias: z.enum(["none", "all", "lora_only"]).default("none"),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  init_lora_weights: z.union([z.boolean(), z.string()]).nullish(),
});

/** Keys that say nothing about what the adapter computes once its weights are there. */
const irrelevant = new Set([
  "auto_mapping",
  "ensure_weight_tying", // shows in the weights
  "eva_config", // how A was prepared; the file has the A
  "fan_in_fan_out", // the model knows how its own weights lie, and PEFT corrects this one as well
  "inference_mode",
  "loftq_config",
  "megatron_core",
  "peft_version",
  "qalora_group_size",
  "revision",
  "runtime_config",
]);

/**
 * What the start of training tells about the frozen weight: PiSSA and OLoRA take a part of it away, the others leave
 * it as the base has it, and then how A was drawn no longer matters.
 */
const starts: ReadonlyMap<unknown, LoraInitialisation> = new Map<unknown, LoraInitialisation>([
  [true, "kaiming"],
  [false, "kaiming"],
  ["gaussian", "gaussian"],
  ["orthogonal", "kaiming"],
  ["eva", "kaiming"],
  ["pissa", "pissa"],
  ["olora", "olora"],
]);

export interface PeftConfig {
  config: Omit<LoraConfig, "modulesToSave">;
  /** As PEFT has them: the end of a path, even within a name. */
  modulesToSave: readonly string[];
}

/**
 * Reads PEFT's `adapter_config.json`.
 *
 * @param source names the file in errors
 * @throws {DataError} naming the field that is missing, wrong, or asks for something that this library does not compute
 */
export function readPeftConfig(value: unknown, source: string): PeftConfig {
  const parsed = known.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join(".") || "the file";
    const found = issue?.path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown>)?.[key],
      value,
    );
    throw badConfig(source, field, `${field}: ${issue?.message}`, found);
  }
  const file = parsed.data;
  for (const [key, setting] of Object.entries(file)) {
    if (key in known.shape || irrelevant.has(key) || isOff(setting)) continue;
    throw badConfig(source, key, `${key} is ${JSON.stringify(setting)}, which is not supported`, setting);
  }
  return {
    config: {
      r: file.r,
      loraAlpha: file.lora_alpha,
      loraDropout: file.lora_dropout,
      targetModules: targets(source, "target_modules", file.target_modules),
      ...(file.exclude_modules?.length && {
        excludeModules: names(source, "exclude_modules", file.exclude_modules),
      }),
      rankPattern: file.rank_pattern ?? {},
      alphaPattern: file.alpha_pattern ?? {},
      initLoraWeights: start(source, file.init_lora_weights ?? true),
      useRslora: file.use_rslora,
      useDora: file.use_dora,
      bias: file.bias,
    },
    modulesToSave: file.modules_to_save ?? [],
  };
}

/** Whether a setting is what PEFT has when the feature is not used. */
const isOff = (setting: unknown): boolean =>
  setting === null ||
  setting === false ||
  setting === "" ||
  (typeof setting === "object" && Object.keys(setting).length === 0);

function start(source: string, kind: boolean | string): LoraInitialisation {
  const found = starts.get(kind);
  if (found) return found;
  throw badConfig(
    source,
    "init_lora_weights",
    `init_lora_weights is ${JSON.stringify(kind)}, which is not supported`,
    kind,
    "In Python, save it as a plain adapter: save_pretrained(…, path_initial_model_for_weight_conversion=…).",
  );
}

const targets = (source: string, key: string, value: string | string[]): LoraConfig["targetModules"] =>
  typeof value === "string" && value.toLowerCase() === "all-linear"
    ? "all-linear"
    : names(source, key, value);

function names(source: string, key: string, value: string | string[]): string[] | RegExp {
  return typeof value === "string" ? fromPython(source, key, value) : value;
}

/** Python's notation of a regular expression in JavaScript's: flags in front, and named groups. */
function fromPython(source: string, key: string, expression: string): RegExp {
  const [, flags = "", rest = ""] = /^(?:\(\?([ims]+)\))?(.*)$/s.exec(expression) ?? [];
  try {
    return new RegExp(rest.replaceAll("(?P<", "(?<"), flags);
  } catch (cause) {
    const problem = `${key} is no regular expression that JavaScript understands: ${(cause as Error).message}`;
    throw badConfig(source, key, problem, expression, "List the names of the modules instead.");
  }
}

const badConfig = (
  source: string,
  field: string,
  problem: string,
  found: unknown,
  hint = "LoRA adapters of causal language models can be read: with rsLoRA, DoRA, patterns, modules saved in full and biases, without PEFT's other variants.",
): DataError =>
  new DataError(`${source}: ${problem}`, {
    code: "lora/bad-adapter-config",
    value: { field, found },
    hint,
  });
