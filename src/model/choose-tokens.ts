import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from "../backend/tf.js";
import { LOWEST_TEMPERATURE } from "./sampling.js";

/**
 * How the next tokens are chosen, for `chooseTokens`. All numbers that may change from one token or one generation
 * to the next are tensors, so that a compiled step serves all of them.
 */
export interface Choice {
  /** T; one too small to divide by is greedy. Absent: the likeliest token is taken. */
  temperature?: Scalar;
  /** k. @default all */
  topK?: number;
  /** p. @default 1 */
  topP?: Scalar;
  /** ρ, together with `seen`. @default 1 */
  repetitionPenalty?: Scalar;
  /** 1 for every token that occurred before, else 0: `[batch, vocab]`. */
  seen?: Tensor2D;
  /** u of each sequence, in [0, 1), `[batch]`; needed with a temperature. */
  uniforms?: Tensor1D;
}

/** What was chosen. The caller owns it. */
export interface ChosenTokens {
  /** `[batch]` int32; −1 where the logits are NaN or infinite. */
  tokens: Tensor1D;
  /** log p of each under the model's own distribution, in nats, `[batch]`: no temperature, nothing cut off. */
  logProbs: Tensor1D;
}

/**
 * Chooses the next token of every sequence by (GEN-1), as `nextTokenProbabilities` and `drawToken` do on the host:
 * with one random number u for each sequence, it takes the token where the summed probabilities first exceed u.
 *
 * $$ y = \min\Bigl\{ v : \sum_{w \le v} p_w > u \sum_w p_w \Bigr\}, \qquad u \sim \mathcal U[0, 1) \tag{GEN-2} $$
 *
 * @param logits z, `[batch, vocab]`
 */
export function chooseTokens(logits: Tensor2D, choice: Choice): ChosenTokens {
  const [batch, vocab] = logits.shape;
  return tf.tidy(() => {
    const scores = penalised(logits, choice);
    const chosen = (
      choice.temperature
        ? draw(probabilities(scores, choice.temperature, choice), choice)
        : tf.argMax(scores, 1)
    ) as Tensor1D;
    const largest = tf.max(logits, 1, true);
    const total = tf.sum(tf.exp(tf.sub(logits, largest)), 1); // at least 1, or NaN
    const flat = tf.add(chosen, tf.mul(tf.range(0, batch, 1, "int32"), tf.scalar(vocab, "int32")));
    const score = tf.gather(tf.reshape(logits, [batch * vocab]), flat);
    return {
      tokens: tf.where(tf.greaterEqual(total, 1), chosen, tf.fill([1], -1, "int32")),
      logProbs: tf.sub(tf.sub(score, tf.reshape(largest, [batch])), tf.log(total)) as Tensor1D,
    };
  });
}

/** The mask `seen` with the newest token of each sequence in it. */
export function seeing(seen: Tensor2D, tokenIds: Tensor1D): Tensor2D {
  return tf.maximum(seen, tf.cast(tf.oneHot(tokenIds, seen.shape[1]), "float32")); // wasm's one-hot is int32 only
}

function penalised(logits: Tensor2D, { seen, repetitionPenalty }: Choice): Tensor2D {
  if (!seen || !repetitionPenalty) return logits;
  const less = tf.where(
    tf.less(logits, 0),
    tf.mul(logits, repetitionPenalty),
    tf.div(logits, repetitionPenalty),
  );
  return tf.where(tf.cast(seen, "bool"), less, logits) as Tensor2D;
}

/** p before it is made to sum to 1 again, `[batch, vocab]`. */
function probabilities(scores: Tensor2D, temperature: Scalar, { topK, topP }: Choice): Tensor2D {
  const vocab = scores.shape[1];
  const count = Math.min(topK ?? vocab, vocab);
  const largest = tf.maximum(tf.abs(tf.max(scores, 1, true)), 1); // [batch, 1]
  let warm = tf.div<Tensor2D>(scores, tf.maximum(temperature, tf.mul(largest, LOWEST_TEMPERATURE)));
  if (count < vocab) {
    const border = tf.min(tf.topk(warm, count).values, 1, true); // equal scores at the border stay
    warm = tf.where(tf.less(warm, border), Number.NEGATIVE_INFINITY, warm);
  }
  const p = tf.softmax(warm);
  if (!topP) return p;
  // A token stays while those that are likelier than it have less than topP together.
  const descending = tf.topk(p, count).values;
  const likelier = tf.cumsum(descending, 1, true);
  const border = tf.min(tf.where(tf.less(likelier, topP), descending, 1), 1, true);
  return tf.where(tf.less(p, border), 0, p);
}

function draw(p: Tensor2D, { uniforms }: Choice): Tensor1D {
  const [batch, vocab] = p.shape;
  const u = tf.reshape(uniforms ?? tf.zeros([batch]), [batch, 1]);
  const summed: Tensor = tf.cumsum(p, 1);
  const total = tf.slice(summed, [0, vocab - 1], [batch, 1]);
  const passed = tf.sum(tf.cast(tf.lessEqual(summed, tf.mul(u, total)), "int32"), 1);
  return tf.minimum(passed, tf.scalar(vocab - 1, "int32")); // a u next to 1 becomes 1 in float32
}
