import { type Scalar, type Tensor1D, type Tensor2D, tf } from "../backend/tf.js";
import { type CrossEntropyOptions, scoreRows, smoothed } from "./row-cross-entropy.js";
import { withoutGradient } from "./without-gradient.js";

/** Sums over the supervised tokens of a batch. Divide by `tokenCount` of the whole step for means. */
export type SupervisedLoss = {
  /** The part of the step's mean loss that this batch contributes, in nats: Σ wᵢ ℓᵢ / tokenCount. */
  loss: Scalar;
  /** Σ wᵢ · −log p(yᵢ), without smoothing, in nats. */
  surprise: Scalar;
  /** Σ wᵢ · (yᵢ is the most likely token). */
  correct: Scalar;
  /** Σ wᵢ · Hᵢ, in nats. */
  entropy: Scalar;
};

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
 * @returns scalars that the caller owns
 */
export function supervisedLoss(
  logits: Tensor2D,
  targets: Tensor1D,
  weights: Tensor1D,
  tokenCount: Scalar,
  options: CrossEntropyOptions = {},
): SupervisedLoss {
  return tf.tidy(() => {
    const total = (rows: Tensor1D): Scalar => tf.sum(tf.mul(rows, weights));
    const { surprise, entropy } = scoreRows(logits, targets); // [rows] each
    return {
      loss: tf.div<Scalar>(total(smoothed(surprise, logits, options)), tokenCount),
      surprise: total(surprise),
      correct: withoutGradient(logits, (z) => total(isMostLikely(z, targets))),
      entropy: total(entropy),
    };
  });
}

const isMostLikely = (logits: Tensor2D, targets: Tensor1D): Tensor1D =>
  tf.cast(tf.equal(tf.argMax(logits, -1), targets), "float32") as Tensor1D;
