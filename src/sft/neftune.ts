import type { Random } from "../backend/index.js";
import type { Batch } from "../training/index.js";

/**
 * Noise on the embeddings of a batch, for training only: it keeps a model from learning answers by heart.
 *
 * $$ \tilde e_{t} = e_t + \frac{\alpha}{\sqrt{L d}}\, \epsilon, \qquad \epsilon \sim \mathcal U(-1, 1)^d $$
 *
 * L is the length of the example that the token belongs to, without padding. Padding gets no noise.
 *
 * @param batch  the padded batch
 * @param width  d, the size of an embedding
 * @param alpha  α; the paper uses 5 to 15
 * @returns `[rows, time, d]`, row by row
 * @source Jain et al. 2023 (NEFTune), algorithm 1
 */
export function neftuneNoise(batch: Batch, width: number, alpha: number, random: Random): Float32Array {
  const { rows, time, segments } = batch;
  const example = (at: number): string => `${Math.floor(at / time)}:${segments[at]}`;
  const lengths = new Map<string, number>();
  for (let at = 0; at < rows * time; at++) lengths.set(example(at), (lengths.get(example(at)) ?? 0) + 1);

  const noise = new Float32Array(rows * time * width);
  for (let at = 0; at < rows * time; at++) {
    if (segments[at] === 0) continue;
    const scale = alpha / Math.sqrt((lengths.get(example(at)) ?? 1) * width);
    for (let i = 0; i < width; i++) noise[at * width + i] = scale * (2 * random.uniform() - 1);
  }
  return noise;
}
