import { type Tensor2D, type Tensor3D, tf } from "../backend/tf.js";
import { requireShape, requireTokenIds } from "./require.js";
import { rowCrossEntropy } from "./row-cross-entropy.js";

/**
 * Log-probability that the model gives to every token after the first: the logits of one position score
 * the token of the next.
 *
 * $$ \log \pi_\theta(y_{t+1} \mid y_{\le t}) = z_{t,\,y_{t+1}} - \log \sum_v e^{z_{t,v}} \tag{SFT-1} $$
 *
 * @param logits   z, `[batch, time, vocab]`
 * @param tokenIds y, `[batch, time]` int32
 * @returns `[batch, time − 1]` in nats; entry t belongs to token t + 1. The caller owns it.
 * @throws {ShapeError} when the two do not describe the same batch
 * @throws {OptionError} when the token ids are not int32, or a token is not in the vocabulary
 */
export function tokenLogProbs(logits: Tensor3D, tokenIds: Tensor2D): Tensor2D {
  const [batch, time, vocab] = logits.shape;
  requireShape(tokenIds, "tokenIds", [batch, time], "batch, time");
  requireTokenIds(tokenIds, "tokenIds", vocab);
  return tf.tidy(() => {
    const predicting = tf.slice(logits, [0, 0, 0], [batch, time - 1, vocab]);
    const targets = tf.slice(tokenIds, [0, 1], [batch, time - 1]);
    const losses = rowCrossEntropy(
      tf.reshape(predicting, [-1, vocab]) as Tensor2D,
      tf.reshape(targets, [-1]),
    );
    return tf.reshape(tf.neg(losses), [batch, time - 1]);
  });
}
