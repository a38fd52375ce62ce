import { moduleOf, type Parameter, type TransformerDecoder } from "../model/index.js";
import type { LoraAdapter } from "./adapter.js";

/** What PEFT puts in front of every path: its own wrapper, and the model within. */
const PREFIX = "base_model.model.";

/** What PEFT calls the output head of a model whose head is its token embedding. */
export const TIED_HEAD = "lm_head";
export const TIED_HEAD_KEY = `${PREFIX}${TIED_HEAD}.weight`;

/** A weight of an adapter under a name that its file has for it. */
export interface NamedWeight {
  key: string;
  /** The adapter's own. */
  parameter: Parameter;
}

/**
 * The weights of an adapter under the names that PEFT gives them, in the order of the model.
 *
 * A and B are `base_model.model.<path>.lora_A.weight` `[r, in]` and `.lora_B.weight` `[out, r]`, DoRA's lengths
 * `.lora_magnitude_vector` `[out]`. A module that is saved in full keeps the names of its weights; the bias of an
 * adapted projection is `<path>.base_layer.bias`. A copy of tied embeddings is there twice, as the head too.
 */
export function peftNames({ config, parts }: TransformerDecoder, adapter: LoraAdapter): NamedWeight[] {
  const layers = [...adapter.layers.values()];
  const ofLayers = layers.flatMap(({ path, a, b, magnitude }) => [
    { key: `${PREFIX}${path}.lora_A.weight`, parameter: a },
    { key: `${PREFIX}${path}.lora_B.weight`, parameter: b },
    ...(magnitude ? [{ key: `${PREFIX}${path}.lora_magnitude_vector`, parameter: magnitude }] : []),
  ]);
  const adaptedBiases = new Set(layers.map(({ linear }) => linear.bias));
  const copies = [...adapter.copies].map(([weight, parameter]) => {
    const name = adaptedBiases.has(weight) ? `${moduleOf(weight)}.base_layer.bias` : weight.name;
    return { key: `${PREFIX}${name}`, parameter };
  });
  const tied = config.tiedEmbeddings && adapter.copies.get(parts.tokens.weight);
  const head = tied ? [{ key: TIED_HEAD_KEY, parameter: tied }] : [];
  return [...ofLayers, ...copies, ...head];
}

/** The path of the module that a key of A or B belongs to; undefined for any other key. */
export const adaptedModule = (key: string): string | undefined =>
  /^base_model\.model\.(.+)\.lora_[AB]\.weight$/.exec(key)?.[1];

/** A key as current versions of PEFT write it. */
export const canonicalKey = (key: string): string =>
  key.replace(/\.lora_magnitude_vector\.weight$/, ".lora_magnitude_vector");
