import { type NativeBackend, nativeBackend } from "../backend/index.js";
import { type Tensor, type Tensor1D, type Tensor2D, tf } from "../backend/tf.js";
import { requireRange, requireTokenIds } from "./require.js";

export interface CrossEntropyOptions {
  /**
   * ε: the share of the target's probability that is spread evenly over the vocabulary.
   * @default 0
   */
  labelSmoothing?: number;
}

/**
 * Cross-entropy of every row of logits against its target token.
 *
 * $$ \ell_i = (1-\varepsilon)\,\bigl(-\log p_i(y_i)\bigr) + \frac{\varepsilon}{V} \sum_v -\log p_i(v),
 *    \qquad p_i = \operatorname{softmax}(z_i) \tag{SFT-2} $$
 *
 * @param logits  z, `[rows, vocab]`
 * @param targets y, the token that follows each row, `[rows]` int32
 * @returns ℓ in nats, `[rows]`. The caller owns it.
 * @throws {OptionError} when the targets are not int32, or ε is outside [0, 1)
 * @source Szegedy et al. 2016, section 7 (label smoothing)
 */
export function rowCrossEntropy(
  logits: Tensor2D,
  targets: Tensor1D,
  options: CrossEntropyOptions = {},
): Tensor1D {
  return tf.tidy(() => smoothed(scoreRows(logits, targets).surprise, logits, options));
}

/** Mixes a surprise with that of a target that is equally likely to be any token. */
export function smoothed(
  surprise: Tensor1D,
  logits: Tensor2D,
  { labelSmoothing = 0 }: CrossEntropyOptions,
): Tensor1D {
  requireRange("labelSmoothing", labelSmoothing, 0, 1);
  if (labelSmoothing === 0) return surprise;
  const surpriseOfAny = tf.neg(tf.mean(tf.logSoftmax(logits), -1)) as Tensor1D;
  return tf.add(tf.mul(surprise, 1 - labelSmoothing), tf.mul(surpriseOfAny, labelSmoothing));
}

export interface RowScores {
  /** −log p(target) in nats, `[rows]`. */
  surprise: Tensor1D;
  /** H(p) in nats, `[rows]`. No gradient flows through it. */
  entropy: Tensor1D;
}

/**
 * How surprising the targets are and how undecided the model is, in one pass over the logits.
 *
 * The gradient is written by hand, $s_i = \partial(-\log p_i(y_i))/\partial z_i = p_i - \mathbb 1_{y_i}$: the
 * logits are the largest tensor of a training step, and this needs one more of their size where the tape would
 * keep three. The same slope gives the entropy:
 *
 * $$ H(p_i) = -\log p_i(y_i) - \langle s_i, z_i \rangle $$
 *
 * @param logits  z, `[rows, vocab]`
 * @param targets y, `[rows]` int32
 * @returns tensors that the caller owns
 */
export function scoreRows(logits: Tensor2D, targets: Tensor1D): RowScores {
  requireTokenIds(targets, "targets", logits.shape[1]);
  const scored = tf.customGrad((...inputs) => {
    const [z, save] = inputs as unknown as [Tensor2D, (tensors: Tensor[]) => void];
    const native = nativeBackend();
    const { surprise, slope } = native ? fused(native, z, targets) : composed(z, targets);
    const entropy = tf.sub(surprise, tf.sum(tf.mul(slope, z), -1));
    save([slope]);
    return {
      value: tf.stack([surprise, entropy]), // [2, rows]
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [ofSurprise] = tf.unstack(dy);
        return [tf.mul(saved[0] as Tensor, tf.expandDims(ofSurprise as Tensor, 1))];
      },
    };
  });
  const [surprise, entropy] = tf.tidy(() => tf.unstack(scored(logits)));
  return { surprise: surprise as Tensor1D, entropy: entropy as Tensor1D };
}

interface SurpriseAndSlope {
  /** `[rows]` */
  surprise: Tensor1D;
  /** ∂surprise/∂logits, `[rows, vocab]` */
  slope: Tensor2D;
}

function composed(logits: Tensor2D, targets: Tensor1D): SurpriseAndSlope {
  const [rows, vocab] = logits.shape;
  const logProbs = tf.logSoftmax(logits);
  const chosen = tf.add(tf.mul(tf.range(0, rows, 1, "int32"), tf.scalar(vocab, "int32")), targets);
  return {
    surprise: tf.neg(tf.gather(tf.reshape(logProbs, [-1]), tf.cast(chosen, "int32"))) as Tensor1D,
    slope: tf.sub(tf.exp(logProbs), tf.oneHot(targets, vocab)),
  };
}

/** TensorFlow's fused kernel. It is four times as fast as the same sum of tfjs operations. */
function fused(native: NativeBackend, logits: Tensor2D, targets: Tensor1D): SurpriseAndSlope {
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = native.binding;
  const [surprise, slope] = native.executeMultipleOutputs(
    "SparseSoftmaxCrossEntropyWithLogits",
    [
      { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
      { name: "Tlabels", type: TF_ATTR_TYPE, value: TF_INT32 },
    ],
    [logits, targets],
    2,
  );
  return { surprise: surprise as Tensor1D, slope: slope as Tensor2D };
}
