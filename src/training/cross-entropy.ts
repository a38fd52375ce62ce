import { type Scalar, type Tensor2D, type Tensor3D, tf } from "../backend/tf.js";
import { requireShape, requireTokenIds } from "./require.js";
import { type CrossEntropyOptions, rowCrossEntropy } from "./row-cross-entropy.js";

/**
 * The loss of language modelling and of SFT: mean surprise at the tokens that the mask selects.
 *
 * $$ \mathcal L = -\frac{1}{\sum_t m_{t+1}} \sum_t m_{t+1} \log \pi_\theta(y_{t+1} \mid y_{\le t}) \tag{SFT-3} $$
 *
 * The mask belongs to the *target*: position t counts when token t + 1 is selected. Padding and prompt are
 * left out of the sum and of the count. With nothing selected the loss is 0.
 *
 * @param logits   `[batch, time, vocab]`
 * @param tokenIds y, `[batch, time]` int32
 * @param mask     m, `[batch, time]`: 1 for the tokens to learn, 0 for the others
 * @returns scalar in nats per token. The caller owns it.
 * @throws {ShapeError} when the three do not describe the same batch
 * @throws {OptionError} when the token ids are not int32, or ε is outside [0, 1)
 */
export function crossEntropy(
  logits: Tensor3D,
  tokenIds: Tensor2D,
  mask: Tensor2D,
  options: CrossEntropyOptions = {},
): Scalar {
  const [batch, time, vocab] = logits.shape;
  requireShape(tokenIds, "tokenIds", [batch, time], "batch, time");
  requireShape(mask, "mask", [batch, time], "batch, time");
  requireTokenIds(tokenIds, "tokenIds", vocab);
  return tf.tidy(() => {
    const predicting = tf.slice(logits, [0, 0, 0], [batch, time - 1, vocab]);
    const targets = tf.slice(tokenIds, [0, 1], [batch, time - 1]);
    const weights = tf.cast(tf.slice(mask, [0, 1], [batch, time - 1]), "float32");
    const losses = rowCrossEntropy(
      tf.reshape(predicting, [-1, vocab]) as Tensor2D,
      tf.reshape(targets, [-1]),
      options,
    ); // [batch · (time − 1)]
    return tf.div(
      tf.sum(tf.mul(losses, tf.reshape(weights, [-1]))),
      tf.maximum(tf.sum(weights), 1),
    ) as Scalar;
  });
}
