import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from "../backend/tf.js";
import { withGradient } from "./gradient.js";

/** Added to the score of a key that must not be seen. Finite, so that a row without any key is no NaN. */
const HIDDEN = -1e9;

/**
 * Scaled dot-product attention with grouped heads: query head h reads key head ⌊h / (heads / keyHeads)⌋.
 *
 * $$ \operatorname{Attention}(Q, K, V) = \operatorname{softmax}\Bigl(\frac{QK^\top}{\sqrt d} + M\Bigr) V
 *    \tag{ATT-1} $$
 *
 * @param query  Q, `[batch, heads, time, headSize]`
 * @param key    K, `[batch, keyHeads, keys, headSize]`
 * @param value  V, as K
 * @param mask   M, `[batch or 1, 1, time, keys]`: 0 where a query sees a key, very negative elsewhere
 * @returns `[batch, heads, time, headSize]`
 * @source Vaswani et al. 2017, eq. 1; Ainslie et al. 2023 for the groups
 */
export function attention(query: Tensor4D, key: Tensor4D, value: Tensor4D, mask: Tensor4D): Tensor4D {
  const [batch, heads, time, headSize] = query.shape;
  const keyHeads = key.shape[1];
  const rows = (heads / keyHeads) * time;
  // The queries of one group become further rows of its only key head: nothing is repeated.
  const group = (x: Tensor): Tensor => tf.reshape(x, [batch, keyHeads, rows, x.shape.at(-1) ?? 0]);
  const ungroup = (x: Tensor): Tensor4D => tf.reshape(x, [batch, heads, time, x.shape.at(-1) ?? 0]);
  const scale = 1 / Math.sqrt(headSize);

  return withGradient([query, key, value], () => {
    const scaled = group(tf.mul(query, scale));
    const scores = ungroup(tf.matMul(scaled, key, false, true)); // [batch, heads, time, keys]
    const weights = group(tf.softmax(tf.add(scores, mask)));
    return {
      value: ungroup(tf.matMul(weights, value)),
      saved: [scaled, key, value, weights],
      gradient: (dy, scaled: Tensor, key: Tensor, value: Tensor, weights: Tensor) => {
        const dOut = group(dy);
        // Through the softmax: dS = P∘dP − P·rowsum(P∘dP) with dP = dO·Vᵀ
        const flow = tf.mul(weights, tf.matMul(dOut, value, false, true));
        const dScores = tf.sub(flow, tf.mul(weights, tf.sum(flow, -1, true)));
        return [
          ungroup(tf.mul(tf.matMul(dScores, key), scale)),
          tf.matMul(dScores, scaled, true, false),
          tf.matMul(weights, dOut, true, false),
        ];
      },
    };
  });
}

export interface CausalMaskOptions {
  /** Only tokens with the same number see each other, `[batch, keys]` int32; 0 is padding, which nobody sees. */
  segments?: Tensor2D;
  /** Keys that come before the first query. @default 0 */
  past?: number;
}

/**
 * The mask M that lets every token see itself and what came before it.
 *
 * $$ M_{ij} = \begin{cases} 0 & j \le i \text{ and } s_j = s_i \ne 0 \\ -10^9 & \text{otherwise}\end{cases}
 *    \tag{ATT-2} $$
 *
 * @param time number of queries
 * @returns `[batch or 1, 1, time, past + time]`
 */
export function causalMask(time: number, { segments, past = 0 }: CausalMaskOptions = {}): Tensor4D {
  return tf.tidy(() => {
    const keys = past + time;
    const queryIndex = tf.reshape(tf.range(past, keys, 1, "int32"), [1, 1, time, 1]);
    const keyIndex = tf.reshape(tf.range(0, keys, 1, "int32"), [1, 1, 1, keys]);
    const causal = tf.lessEqual(keyIndex, queryIndex);
    if (!segments) return hide(causal);
    const batch = segments.shape[0];
    const ofKeys = tf.reshape(segments, [batch, 1, 1, keys]);
    const ofQueries = tf.reshape(tf.slice(segments, [0, past], [batch, time]), [batch, 1, time, 1]);
    const together = tf.logicalAnd(tf.equal(ofKeys, ofQueries), tf.notEqual(ofKeys, 0));
    return hide(tf.logicalAnd(causal, together));
  });
}

/**
 * The mask of one query in a window of keys of which it sees those from its sequence's start to its own place.
 *
 * @param window number of keys
 * @param starts place of each sequence's first key, `[batch]` int32
 * @param place  of the query's own key, int32
 * @returns `[batch, 1, 1, window]`
 */
export function windowMask(window: number, starts: Tensor1D, place: Scalar): Tensor4D {
  const keyIndex = tf.reshape(tf.range(0, window, 1, "int32"), [1, 1, 1, window]);
  const first = tf.reshape(starts, [-1, 1, 1, 1]);
  return hide(tf.logicalAnd(tf.greaterEqual(keyIndex, first), tf.lessEqual(keyIndex, place)));
}

const hide = (visible: Tensor): Tensor4D =>
  tf.mul(tf.sub(1, tf.cast(visible, "float32")), HIDDEN) as Tensor4D;
