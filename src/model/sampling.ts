import type { Random } from "../backend/index.js";
import { OptionError, PosttrainError } from "../errors.js";

/** How the next token is chosen from the logits. */
export interface SamplingOptions {
  /** Logits are divided by it: below 1 sharpens, above 1 flattens; 0 always takes the likeliest token. @default 0 */
  temperature?: number;
  /** Only this many of the likeliest tokens stay. Each number is compiled anew. @default all */
  topK?: number;
  /** Only the likeliest tokens that together reach this probability stay. @default 1 */
  topP?: number;
  /** Above 1 makes tokens that occurred before, the prompt included, less likely. @default 1 */
  repetitionPenalty?: number;
}

/**
 * The lowest temperature of logits up to 1; it grows with the largest. Below it z / T is no longer a number in float32,
 * while at it the choice is greedy already: logits that differ at all are many orders of magnitude apart.
 */
export const LOWEST_TEMPERATURE = 1e-37;

/**
 * The distribution that the next token is drawn from. In this order, as in transformers:
 *
 * $$ z_v \leftarrow \begin{cases} z_v / \rho & z_v > 0 \\ z_v \cdot \rho & z_v \le 0 \end{cases}
 *    \ \text{ for } v \text{ in the history}; \qquad z \leftarrow z / T; \qquad
 *    \text{top-}k; \qquad \text{top-}p; \qquad p = \operatorname{softmax}(z) \tag{GEN-1} $$
 *
 * Top-p keeps the smallest set of likeliest tokens whose probabilities sum to at least p; at least one token
 * always stays. With T = 0 all probability lies on the likeliest token, and near 0 on those that share its logit.
 *
 * @param logits  z, one for each token of the vocabulary
 * @param history ids of the tokens so far
 * @returns p, float32
 * @throws {PosttrainError} `model/not-finite` when the logits are NaN or infinite
 * @source Keskar et al. 2019 (repetition penalty); Holtzman et al. 2020 (top-p)
 */
export function nextTokenProbabilities(
  logits: ArrayLike<number>,
  history: Iterable<number>,
  { temperature = 0, topK, topP = 1, repetitionPenalty = 1 }: SamplingOptions = {},
): Float32Array {
  const scores = Float32Array.from(logits);
  if (repetitionPenalty !== 1) penalise(scores, history, repetitionPenalty);
  if (temperature === 0) return oneHot(scores.length, likeliest(scores));
  const largest = Math.abs(at(scores, likeliest(scores)));
  const divisor = Math.max(temperature, LOWEST_TEMPERATURE * Math.max(1, largest));
  for (let v = 0; v < scores.length; v++) scores[v] = at(scores, v) / divisor;
  if (topK !== undefined && topK < scores.length) keepTop(scores, topK);
  if (topP < 1) keepNucleus(scores, topP);
  return softmax(scores);
}

/** A token drawn with these probabilities, or the likeliest when only one has any. */
export function drawToken(probabilities: Float32Array, random: Random): number {
  let left = random.uniform() * probabilities.reduce((sum, p) => sum + p, 0);
  let drawn = 0;
  for (let v = 0; v < probabilities.length; v++) {
    const p = at(probabilities, v);
    if (p === 0) continue;
    drawn = v;
    left -= p;
    if (left < 0) break;
  }
  return drawn;
}

/** @throws {OptionError} naming the option that is out of its range */
export function requireSamplingOptions(options: SamplingOptions): void {
  const { temperature = 0, topK = 1, topP = 1, repetitionPenalty = 1 } = options;
  const rules: [string, number, boolean, string][] = [
    [
      "temperature",
      temperature,
      temperature >= 0 && temperature < Infinity,
      "0 is greedy, 1 is the model's own.",
    ],
    [
      "topK",
      topK,
      Number.isInteger(topK) && topK >= 1,
      "Give a whole number of at least 1, or leave it out.",
    ],
    ["topP", topP, topP > 0 && topP <= 1, "Give a probability above 0 and up to 1."],
    [
      "repetitionPenalty",
      repetitionPenalty,
      repetitionPenalty > 0 && repetitionPenalty < Infinity,
      "1 is none.",
    ],
  ];
  for (const [name, value, isRight, hint] of rules) {
    if (isRight) continue;
    throw new OptionError(`${name} cannot be ${value}`, { code: "model/bad-sampling", value, hint });
  }
}

const at = (values: Float32Array, i: number): number => values[i] as number;

function penalise(scores: Float32Array, history: Iterable<number>, penalty: number): void {
  for (const token of new Set(history)) {
    const score = at(scores, token);
    scores[token] = score < 0 ? score * penalty : score / penalty;
  }
}

function likeliest(scores: Float32Array): number {
  let best = 0;
  for (let v = 1; v < scores.length && !Number.isNaN(at(scores, best)); v++) {
    if (!(at(scores, v) <= at(scores, best))) best = v; // NaN too, to be found below
  }
  if (Number.isFinite(at(scores, best))) return best;
  throw notFinite(at(scores, best));
}

/** The error for logits that leave no token to choose. */
export const notFinite = (value: number): PosttrainError =>
  new PosttrainError("the model's logits are not finite", {
    code: "model/not-finite",
    value,
    hint: "Its weights hold NaN or infinity: training diverged, or the file is damaged.",
  });

const oneHot = (length: number, index: number): Float32Array => {
  const probabilities = new Float32Array(length);
  probabilities[index] = 1;
  return probabilities;
};

/** Everything below the k-th largest score goes; equal scores at the border stay, as in transformers. */
function keepTop(scores: Float32Array, k: number): void {
  const border = at(Float32Array.from(scores).sort(), scores.length - k); // ascending
  for (let v = 0; v < scores.length; v++) if (at(scores, v) < border) scores[v] = -Infinity;
}

/** Goes from the unlikeliest token up and removes it while all that is removed stays within 1 − p. */
function keepNucleus(scores: Float32Array, p: number): void {
  const probabilities = softmax(scores);
  const ascending = probabilities.slice().sort();
  let removed = 0;
  const border = ascending.find((probability) => {
    removed += probability;
    return removed > 1 - p;
  });
  const smallest = border ?? at(probabilities, likeliest(scores));
  for (let v = 0; v < scores.length; v++) if (at(probabilities, v) < smallest) scores[v] = -Infinity;
}

function softmax(scores: Float32Array): Float32Array {
  const largest = at(scores, likeliest(scores));
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const total = exponentials.reduce((sum, e) => sum + e, 0);
  return exponentials.map((e) => e / total);
}
