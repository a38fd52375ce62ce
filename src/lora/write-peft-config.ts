import type { TransformerDecoder } from "../model/index.js";
import type { LoraAdapter } from "./adapter.js";
import { TIED_HEAD } from "./peft-names.js";
import { startsFromParts } from "./plain-factors.js";
import { modulesToCopy } from "./targets.js";

/**
 * The `adapter_config.json` of an adapter: every key that PEFT 0.21.2 writes, features that are not ours turned off.
 *
 * @param baseModel what PEFT loads as the base when it is told nothing else
 */
export function writePeftConfig(
  model: TransformerDecoder,
  adapter: LoraAdapter,
  baseModel: string | undefined,
): Record<string, unknown> {
  const { config, layers, copies } = adapter;
  const { targetModules, excludeModules } = config;
  const linears = [...layers.keys()];
  const isTiedCopy = model.config.tiedEmbeddings && copies.has(model.parts.tokens.weight);
  const saved = [...modulesToCopy(model, config.modulesToSave), ...(isTiedCopy ? [TIED_HEAD] : [])];
  // Twice the rank with the same s, where a start in the base's weights is written as a part of A and B.
  const rankFactor = startsFromParts(adapter) ? 2 : 1;
  const alphaFactor = config.useRslora ? Math.sqrt(rankFactor) : rankFactor;
  return {
    alora_invocation_tokens: null,
    alpha_pattern: times(config.alphaPattern, alphaFactor),
    arrow_config: null,
    auto_mapping: null,
    base_model_name_or_path: baseModel ?? null,
    bias: config.bias,
    corda_config: null,
    ensure_weight_tying: isTiedCopy,
    eva_config: null,
    exclude_modules: excludeModules === undefined ? null : names(excludeModules),
    fan_in_fan_out: linears.some(({ layout }) => layout === "inOut"),
    inference_mode: true,
    init_lora_weights: config.initLoraWeights === "gaussian" ? "gaussian" : true,
    kasa_config: null,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    loftq_config: {},
    lora_alpha: config.loraAlpha * alphaFactor,
    lora_bias: false,
    lora_dropout: config.loraDropout,
    lora_ga_config: null,
    megatron_config: null,
    megatron_core: "megatron.core",
    modules_to_save: saved.length > 0 ? saved : null,
    monteclora_config: null,
    peft_type: "LORA",
    peft_version: "0.21.2",
    qalora_group_size: 16,
    r: config.r * rankFactor,
    rank_pattern: times(config.rankPattern, rankFactor),
    revision: null,
    target_modules: targetModules === "all-linear" ? linears.map(({ path }) => path) : names(targetModules),
    target_parameters: null,
    task_type: "CAUSAL_LM",
    trainable_token_indices: null,
    use_bdlora: null,
    use_dora: config.useDora,
    use_qalora: false,
    use_rslora: config.useRslora,
    velora_config: null,
  };
}

const times = (pattern: Readonly<Record<string, number>>, factor: number): Record<string, number> =>
  Object.fromEntries(Object.entries(pattern).map(([key, value]) => [key, value * factor]));

const names = (modules: readonly string[] | RegExp): readonly string[] | string =>
  modules instanceof RegExp ? toPython(modules) : modules;

/** JavaScript's notation of a regular expression in Python's: flags in front, and named groups. */
function toPython({ source, flags }: RegExp): string {
  const kept = [...flags].filter((flag) => "ims".includes(flag)).join("");
  return `${kept ? `(?${kept})` : ""}${source.replaceAll(/\(\?<(?![=!])/g, "(?P<")}`;
}
