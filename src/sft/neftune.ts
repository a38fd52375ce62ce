import { type RandomKey, statelessUniform } from "../backend/index.js";
import { type Tensor2D, type Tensor3D, tf } from "../backend/tf.js";
import type { Batch } from "../training/index.js";

/** Which of a key's numbers are the noise: none that a dropout of the model, drawing with the same key, would take. */
const STREAM = -1;

/**
 * Noise on the embeddings of a batch, for training only: it keeps a model from learning answers by heart.
 *
 * $$ \tilde e_{t} = e_t + \frac{\alpha}{\sqrt{L d}}\, \epsilon, \qquad \epsilon \sim \mathcal U(-1, 1)^d $$
 *
 * L is the length of the example that the token belongs to, without padding. Padding gets no noise.
 *
 * @param lengths L of every token, `[rows, time]`; 0 for padding
 * @param width   d, the size of an embedding
 * @param alpha   α; the paper uses 5 to 15
 * @param key     the same key gives the same noise
 * @returns `[rows, time, d]`. The caller owns it.
 * @source Jain et al. 2023 (NEFTune), algorithm 1
 */
export function neftuneNoise(lengths: Tensor2D, width: number, alpha: number, key: RandomKey): Tensor3D {
  const [rows, time] = lengths.shape;
  return tf.tidy(() => {
    const bound = tf.divNoNan(alpha, tf.sqrt(tf.mul(lengths, width))); // [rows, time]
    const epsilon = tf.sub(tf.mul(statelessUniform<Tensor3D>([rows, time, width], key, STREAM), 2), 1);
    return tf.mul(epsilon, tf.expandDims(bound, -1));
  });
}

/** How long the example of every token is, `[rows, time]`; 0 for padding. The caller owns the tensor. */
export function exampleLengths({ rows, time, segments }: Batch): Tensor2D {
  const lengths = new Float32Array(rows * time);
  for (let start = 0; start < lengths.length; ) {
    let end = start + 1;
    while (end % time !== 0 && segments[end] === segments[start]) end++;
    if (segments[start] !== 0) lengths.fill(end - start, start, end);
    start = end;
  }
  return tf.tensor2d(lengths, [rows, time]);
}
