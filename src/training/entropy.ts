import { type Tensor, tf } from "../backend/tf.js";

/**
 * Entropy of the next-token distribution: how undecided the model is.
 *
 * $$ H_t = -\sum_v p_{t,v} \log p_{t,v}, \qquad p_t = \operatorname{softmax}(z_t) $$
 *
 * It is 0 when the model is certain and log V, the perplexity of V equal choices, when it has no idea.
 *
 * @param logits z, `[…, vocab]`
 * @returns H in nats, `[…]`: one number a position. The caller owns it.
 */
export function entropy<T extends Tensor>(logits: Tensor): T {
  return tf.tidy(() => {
    const logProbs = tf.logSoftmax(logits);
    return tf.neg(tf.sum(tf.mul(tf.exp(logProbs), logProbs), -1)) as T;
  });
}
