import { type Scalar, type Tensor1D, type Tensor2D, tf } from "../backend/tf.js";
import { entropy } from "./entropy.js";
import { type CrossEntropyOptions, rowCrossEntropy } from "./row-cross-entropy.js";
import { withoutGradient } from "./without-gradient.js";

/** Sums over the supervised tokens of a batch. Divide by `tokenCount` of the whole step for means. */
export interface SupervisedLoss {
  /** The part of the step's mean loss that this batch contributes, in nats: Σ wᵢ ℓᵢ / tokenCount. */
  loss: Scalar;
  /** Σ wᵢ · −log p(yᵢ), without smoothing, in nats. */
  surprise: Scalar;
  /** Σ wᵢ · (yᵢ is the most likely token). */
  correct: Scalar;
  /** Σ wᵢ · Hᵢ, in nats. */
  entropy: Scalar;
}

/**
 * The SFT loss on gathered rows, with the sums behind the metrics that TRL logs.
 *
 * $$ \mathcal L = \frac{1}{N} \sum_i w_i\, \ell_i(z_i, y_i) \tag{SFT-4} $$
 *
 * N counts the tokens of the whole optimizer step, so that the gradients of micro-batches add up to exactly
 * the gradient of one large batch, however unequal the answers are in length.
 *
 * @param logits     z of the positions that predict a supervised token, `[rows, vocab]`
 * @param targets    y, `[rows]` int32
 * @param weights    w, `[rows]`: 1, or 0 for rows that only fill the batch
 * @param tokenCount N, scalar: Σ w over all micro-batches of the step
 */
export function supervisedLoss(
  logits: Tensor2D,
  targets: Tensor1D,
  weights: Tensor1D,
  tokenCount: Scalar,
  { labelSmoothing = 0 }: CrossEntropyOptions = {},
): SupervisedLoss {
  const total = (rows: Tensor1D): Scalar => tf.sum(tf.mul(rows, weights));
  const losses = rowCrossEntropy(logits, targets, { labelSmoothing }); // [rows]
  return {
    loss: tf.div(total(losses), tokenCount),
    surprise:
      labelSmoothing === 0
        ? total(losses)
        : withoutGradient(logits, (z) => total(rowCrossEntropy(z, targets))),
    correct: withoutGradient(logits, (z) => total(isMostLikely(z, targets))),
    entropy: withoutGradient(logits, (z) => total(entropy<Tensor1D>(z))),
  };
}

const isMostLikely = (logits: Tensor2D, targets: Tensor1D): Tensor1D =>
  tf.cast(tf.equal(tf.argMax(logits, -1), targets), "float32") as Tensor1D;
