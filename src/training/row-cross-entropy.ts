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
 * The gradient is written by hand, $\partial(-\log p_i(y_i))/\partial z_i = p_i - \mathbb 1_{y_i}$: the logits are
 * the largest tensor of a training step, and this needs one more of their size where the tape would keep three.
 * TensorFlow's own library computes the value and this slope in one fused operation.
 *
 * @param logits  z, `[rows, vocab]`
 * @param targets y, the token that follows each row, `[rows]` int32
 * @returns ℓ in nats, `[rows]`
 * @throws {OptionError} when the targets are not int32, or ε is outside [0, 1)
 * @source Szegedy et al. 2016, section 7 (label smoothing)
 */
export function rowCrossEntropy(
  logits: Tensor2D,
  targets: Tensor1D,
  { labelSmoothing = 0 }: CrossEntropyOptions = {},
): Tensor1D {
  requireTokenIds(targets, "targets");
  requireRange("labelSmoothing", labelSmoothing, 0, 1);
  const surprise = negativeLogLikelihood(logits, targets);
  if (labelSmoothing === 0) return surprise;
  const surpriseOfAll = tf.neg(tf.mean(tf.logSoftmax(logits), -1)) as Tensor1D;
  return tf.add(tf.mul(surprise, 1 - labelSmoothing), tf.mul(surpriseOfAll, labelSmoothing));
}

/** −log p(target) of every row, `[rows]`, with its gradient written by hand. */
function negativeLogLikelihood(logits: Tensor2D, targets: Tensor1D): Tensor1D {
  const withGradient = tf.customGrad((...inputs) => {
    const [z, save] = inputs as unknown as [Tensor2D, (tensors: Tensor[]) => void];
    const { value, slope } = tf.getBackend() === "tensorflow" ? fused(z, targets) : composed(z, targets);
    save([slope]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => [tf.mul(saved[0] as Tensor, tf.expandDims(dy, 1))],
    };
  });
  return withGradient(logits) as Tensor1D;
}

interface ValueAndSlope {
  /** `[rows]` */
  value: Tensor1D;
  /** ∂value/∂logits, `[rows, vocab]` */
  slope: Tensor2D;
}

function composed(logits: Tensor2D, targets: Tensor1D): ValueAndSlope {
  const [rows, vocab] = logits.shape;
  const logProbs = tf.logSoftmax(logits);
  const chosen = tf.add(tf.mul(tf.range(0, rows, 1, "int32"), tf.scalar(vocab, "int32")), targets);
  return {
    value: tf.neg(tf.gather(tf.reshape(logProbs, [-1]), tf.cast(chosen, "int32"))) as Tensor1D,
    slope: tf.sub(tf.exp(logProbs), tf.oneHot(targets, vocab)),
  };
}

/** TensorFlow's fused kernel. It is four times as fast as the same sum of tfjs operations. */
function fused(logits: Tensor2D, targets: Tensor1D): ValueAndSlope {
  const backend = tf.backend() as unknown as NativeBackend;
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding;
  const [value, slope] = backend.executeMultipleOutputs(
    "SparseSoftmaxCrossEntropyWithLogits",
    [
      { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
      { name: "Tlabels", type: TF_ATTR_TYPE, value: TF_INT32 },
    ],
    [logits, targets],
    2,
  );
  return { value: value as Tensor1D, slope: slope as Tensor2D };
}

interface NativeBackend {
  readonly binding: Record<"TF_ATTR_TYPE" | "TF_FLOAT" | "TF_INT32", number>;
  executeMultipleOutputs(
    operation: string,
    attributes: readonly { name: string; type: number | undefined; value: unknown }[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[];
}
