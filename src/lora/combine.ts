import { tf } from "../backend/tf.js";
import { OptionError } from "../errors.js";
import type { TransformerDecoder } from "../model/index.js";
import type { LoraAdapter } from "./adapter.js";
import { attachNew, requireFreeName } from "./attach.js";
import { resolveConfig } from "./config.js";
import { AdapterError } from "./errors.js";
import { concatenated, nearest, padded, summed, type Weighted } from "./join-factors.js";
import type { LoraLayer } from "./layer.js";
import { plainFactors, startsFromParts } from "./plain-factors.js";
import { requireAdapter, requireDecoder } from "./require.js";
import { requireFiniteAdapter } from "./require-finite.js";

/** How adapters become one: `cat` is exact, `svd` the nearest of a given rank, `linear` has cross terms. */
export type AdapterCombination = "cat" | "svd" | "linear";

export interface CombineOptions {
  /** Of the new adapter. */
  name: string;
  /** @default "svd", as in PEFT */
  combination?: AdapterCombination;
  /** Rank of the result of `svd`. @default the largest rank among the adapters */
  rank?: number;
}

/**
 * One adapter from several, ΔW ≈ Σ wᵢ·ΔWᵢ, which is put to work; the others stay as they are. Its scale is 1.
 *
 * $$ \begin{aligned}
 *   \text{cat:}\quad & A = \begin{bmatrix} w_1 s_1 A_1 \\ \vdots \\ w_n s_n A_n \end{bmatrix},\;
 *     B = \begin{bmatrix} B_1 & \cdots & B_n \end{bmatrix} &
 *     BA &= \textstyle\sum_i w_i s_i B_i A_i \\
 *   \text{svd:}\quad & A = V_r^\top,\; B = U_r \Sigma_r &
 *     BA &= \text{nearest to that of rank } r \\
 *   \text{linear:}\quad & A = \textstyle\sum_i \pm\sqrt{|w_i s_i|}\, A_i,\; B = \sum_i \sqrt{|w_i s_i|}\, B_i &
 *     BA &= \textstyle\sum_i w_i s_i B_i A_i + \text{cross terms } B_i A_j
 * \end{aligned} \tag{LORA-8} $$
 *
 * The rank of `cat` is the sum of the ranks; `linear` keeps the one that all must share.
 *
 * @param weights wᵢ, one for each name; with one below 0 an adapter's effect is taken away
 * @throws {OptionError} for weights that are missing or not finite, a rank that cannot be, or ranks that differ
 *   where `linear` adds them up
 * @throws {AdapterError} for an unknown name or one that is taken, and for adapters that no sum of products can
 *   replace: with DoRA, biases or modules of their own, or weights that are not finite. After any error
 *   the model is unchanged.
 * @source PEFT 0.21.2, `add_weighted_adapter`
 */
export function combineAdapters(
  model: TransformerDecoder,
  names: readonly string[],
  weights: readonly number[],
  options: CombineOptions,
): LoraAdapter {
  requireDecoder(model);
  if (typeof options?.name !== "string") {
    throw badOption("name", options?.name, 'Name the new adapter: { name: "both" }.');
  }
  const { name, combination = "svd", rank } = options;
  requireFreeName(model, name);
  requireWeights(names, weights);
  const adapters = names.map((each) => requireSummable(requireAdapter(model, each)));
  const largest = adapters.map((adapter) =>
    Math.max(...[...adapter.layers.values()].map(plainRank(adapter))),
  );
  const r = rankOf(combination, largest, rank);
  const paths = model.linears().flatMap(({ path }) => (adapters.some(adapts(path)) ? [path] : []));
  const config = resolveConfig({ r, loraAlpha: r, targetModules: paths }, []);

  const fill = (combined: LoraAdapter) => {
    for (const layer of combined.layers.values()) {
      tf.tidy(() => {
        const parts = partsOf(layer, adapters, weights);
        if (combination === "linear") requireEqualRanks(layer.path, parts);
        const join = { cat: concatenated, linear: summed, svd: (all: Weighted[]) => nearest(all, r) };
        const { a, b } = padded(join[combination](parts), r);
        layer.a.variable.assign(a);
        layer.b.variable.assign(b);
      });
    }
  };
  return attachNew(model, config, { name, seed: 0, anyRank: true, fill });
}

const adapts = (path: string) => (adapter: LoraAdapter) =>
  [...adapter.layers.values()].some((layer) => layer.path === path);

const plainRank = (adapter: LoraAdapter) => (layer: LoraLayer) =>
  startsFromParts(adapter) ? 2 * layer.rank : layer.rank;

function rankOf(combination: AdapterCombination, ranks: readonly number[], rank: number | undefined): number {
  if (combination === "cat") return ranks.reduce((sum, each) => sum + each, 0);
  const largest = Math.max(...ranks);
  if (combination === "linear") return largest;
  if (combination !== "svd") {
    throw badOption("combination", combination, "Choose cat, svd or linear.");
  }
  if (rank === undefined) return largest;
  if (Number.isInteger(rank) && rank >= 1) return rank;
  throw badOption("rank", rank, "A rank is a whole number of at least 1.");
}

/** What each adapter has for one projection, where it has anything. */
const partsOf = (
  { linear }: LoraLayer,
  adapters: readonly LoraAdapter[],
  weights: readonly number[],
): Weighted[] =>
  adapters.flatMap((adapter, i) => {
    const layer = adapter.layers.get(linear);
    return layer ? [{ ...plainFactors(adapter, layer), factor: (weights[i] as number) * layer.scale }] : [];
  });

function requireWeights(names: readonly string[], weights: readonly number[]): void {
  if (!Array.isArray(names) || names.length === 0)
    throw badOption("names", names, "Name the adapters to combine.");
  if (!Array.isArray(weights) || weights.length !== names.length) {
    throw badOption("weights", weights, `Give one for each of ${names.join(", ")}.`);
  }
  const wrong = weights.findIndex((weight) => !Number.isFinite(weight));
  if (wrong >= 0) throw badOption("weights", String(weights[wrong]), "A weight is a finite number.");
}

function requireSummable(adapter: LoraAdapter): LoraAdapter {
  const { name, config, copies } = adapter;
  const obstacle = config.useDora
    ? "is of DoRA, which rescales the weight"
    : copies.size > 0
      ? "has whole weights of its own (modulesToSave, bias)"
      : undefined;
  if (obstacle === undefined) {
    requireFiniteAdapter(adapter);
    return adapter;
  }
  throw new AdapterError(`the adapter "${name}" ${obstacle}: no sum of products replaces it`, {
    code: "lora/not-summable",
    value: name,
    hint: "Merge it into the base with mergeAdapter instead, or train adapters to be combined without it.",
  });
}

function requireEqualRanks(path: string, parts: readonly Weighted[]): void {
  const ranks = parts.map(({ a }) => a.shape[0]);
  if (new Set(ranks).size <= 1) return;
  throw badOption(
    "combination",
    "linear",
    `It adds factors up, but at ${path} their ranks are ${ranks.join(", ")}.`,
  );
}

const badOption = (name: string, value: unknown, hint: string): OptionError =>
  new OptionError(`${name} cannot be ${JSON.stringify(value)}`, {
    code: "lora/bad-combination",
    value,
    hint,
  });
