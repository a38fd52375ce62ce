import { Random } from "../backend/index.js";
import { type Tensor2D, tf } from "../backend/tf.js";
import type { LoraAdapter } from "./adapter.js";
import { initialise } from "./initialise.js";
import type { LoraLayer } from "./layer.js";

/** A and B of a correction to the base's own weight. The caller owns them. */
export interface Factors {
  /** `[rank, in]` */
  a: Tensor2D;
  /** `[out, rank]` */
  b: Tensor2D;
}

/** Whether the adapter corrects what is left of the base's weights, not those themselves. */
export const startsFromParts = ({ config }: LoraAdapter): boolean =>
  config.initLoraWeights === "pissa" || config.initLoraWeights === "olora";

/**
 * The factors of ΔW/s. An adapter that took its start B₀A₀ out of the base's weight W (PiSSA, OLoRA) becomes a
 * plain one of twice the rank, which needs no changed base:
 *
 * $$ W - s\,B_0A_0 + s\,BA = W + s \begin{bmatrix} B & -B_0 \end{bmatrix}
 *    \begin{bmatrix} A \\ A_0 \end{bmatrix} \tag{LORA-7} $$
 *
 * @source PEFT 0.21.2, `subtract_mutated_init`
 */
export function plainFactors(adapter: LoraAdapter, { linear, a, b, scale, rank }: LoraLayer): Factors {
  const [currentA, currentB] = [a.variable as Tensor2D, b.variable as Tensor2D];
  if (!startsFromParts(adapter)) return { a: tf.clone(currentA), b: tf.clone(currentB) };
  return tf.tidy(() => {
    const stored = linear.weight.variable as Tensor2D;
    const weight = linear.layout === "outIn" ? stored : tf.transpose(stored);
    // Nothing is drawn at these starts: they follow from the weight, which has been frozen since.
    const start = initialise(adapter.config.initLoraWeights, weight, rank, scale, new Random(0));
    return { a: tf.concat([currentA, start.a], 0), b: tf.concat([currentB, tf.neg(start.b)], 1) };
  });
}
