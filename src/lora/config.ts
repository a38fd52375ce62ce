import { requireKnownOptions, requireValid } from "./check-config.js";

/** How A and B start. All but `gaussian` and `kaiming` also change what the frozen weight is while the adapter works. */
export type LoraInitialisation = "kaiming" | "gaussian" | "pissa" | "olora";

/** A low-rank adapter. Names and defaults are those of PEFT's `LoraConfig`, in camelCase. */
export interface LoraConfig {
  /** The rank r: how many columns B and rows A have. @default 8 */
  r?: number;
  /** α: the adapter's part is scaled by α/r. @default 8 */
  loraAlpha?: number;
  /** The share of an adapter's inputs that are dropped in training. @default 0 */
  loraDropout?: number;
  /**
   * Which projections are adapted: names such as `"q_proj"` or `"layers.0.mlp.up_proj"`, each the whole path of a
   * module or its end; a regular expression for the whole path; or every projection but the output head.
   * @default ["q_proj", "v_proj"], for GPT-2 ["c_attn"]
   */
  targetModules?: readonly string[] | RegExp | "all-linear";
  /** Projections that are left out although they are targets, as names or as a regular expression. */
  excludeModules?: readonly string[] | RegExp;
  /**
   * Modules of which the adapter has a copy of its own, trained in full: norms, the head, embeddings. A copy of a tied
   * embedding is the output head as well, as with PEFT's `ensure_weight_tying`.
   */
  modulesToSave?: readonly string[];
  /** Other ranks for some modules. A key is the end of a path, and may be a regular expression. */
  rankPattern?: Readonly<Record<string, number>>;
  /** Other α for some modules, likewise. */
  alphaPattern?: Readonly<Record<string, number>>;
  /**
   * `kaiming` and `gaussian` draw A and let B be 0. `pissa` takes both from the largest singular values of the
   * weight, `olora` from its QR decomposition; the frozen weight is then what is left of it.
   * @default "kaiming"
   */
  initLoraWeights?: LoraInitialisation;
  /** Scale by α/√r instead, which keeps its size at high ranks (rsLoRA). @default false */
  useRslora?: boolean;
  /**
   * Learn length and direction of the weight's rows apart (DoRA). Every pass then measures all rows anew: merge the
   * adapter before generating much.
   * @default false
   */
  useDora?: boolean;
  /** Which biases are trained too: none, those of the adapted projections, or all of the model. @default "none" */
  bias?: "none" | "all" | "lora_only";
}

/** A configuration with every default filled in. Only what may be absent still is. */
export type ResolvedLoraConfig = Required<Omit<LoraConfig, "excludeModules">> &
  Pick<LoraConfig, "excludeModules">;

/**
 * Fills in the defaults and checks what can be checked without a model.
 *
 * @param defaultTargets what PEFT adapts in the model's family when no target is named
 * @throws {OptionError} naming the first option that does not exist or is outside its domain
 */
export function resolveConfig(config: LoraConfig, defaultTargets: readonly string[]): ResolvedLoraConfig {
  const defaults: ResolvedLoraConfig = {
    r: 8,
    loraAlpha: 8,
    loraDropout: 0,
    targetModules: defaultTargets,
    modulesToSave: [],
    rankPattern: {},
    alphaPattern: {},
    initLoraWeights: "kaiming",
    useRslora: false,
    useDora: false,
    bias: "none",
  };
  requireKnownOptions(config, [...Object.keys(defaults), "excludeModules"]);
  const given = Object.entries(config).filter(([, value]) => value !== undefined);
  const resolved: ResolvedLoraConfig = { ...defaults, ...Object.fromEntries(given) };
  requireValid(resolved);
  return resolved;
}

/**
 * The factor s before BA.
 *
 * $$ s = \frac{\alpha}{r}, \qquad \text{rsLoRA: } s = \frac{\alpha}{\sqrt r} \tag{LORA-2} $$
 *
 * @source Hu et al. 2021, section 4.1; Kalajdzievski 2023 (rsLoRA)
 */
export const scaleOf = (alpha: number, r: number, useRslora = false): number =>
  alpha / (useRslora ? Math.sqrt(r) : r);
