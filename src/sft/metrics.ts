import type { TrainingState, TrainingStep } from "../training/index.js";
import type { SftEvaluation } from "./evaluate.js";
import type { Learned } from "./learner.js";

/** The metrics of a step, by TRL's names; those of an evaluation only where there was one. */
export type SftMetrics = {
  /** Mean cross-entropy of the supervised tokens before the update, in nats, smoothing included. */
  loss: number;
  /** e to the mean surprise, smoothing left out. */
  perplexity: number;
  /** Share of supervised tokens that were the model's first choice. */
  mean_token_accuracy: number;
  /** Entropy of the model's distribution at the supervised tokens, in nats. */
  entropy: number;
  /** Length of the gradient before clipping. */
  grad_norm: number;
  learning_rate: number;
  /** How often the data were seen, as a fraction. */
  epoch: number;
  /** Tokens seen so far, prompts included, padding not. */
  num_tokens: number;
  tokens_per_second: number;
} & Partial<SftEvaluation>;

export interface SftStep extends TrainingStep {
  metrics: SftMetrics;
}

/** Means from the sums of one step. Tokens count equally, whatever micro-batch they were in. */
export function stepMetrics(
  { loss, surprise, correct, entropy, norm, supervised, tokens, learningRate, seconds }: Learned,
  state: TrainingState,
  stepsPerEpoch: number,
): SftMetrics {
  return {
    loss,
    perplexity: Math.exp(surprise / supervised),
    mean_token_accuracy: correct / supervised,
    entropy: entropy / supervised,
    grad_norm: norm,
    learning_rate: learningRate,
    epoch: state.step / stepsPerEpoch,
    num_tokens: state.tokens,
    tokens_per_second: tokens / seconds,
  };
}
