/** Names and units that axes show for the metrics of a run; the keys are TRL's. */
const NAMES: Record<string, string> = {
  loss: "loss (nats per token)",
  eval_loss: "held-out loss (nats per token)",
  perplexity: "perplexity",
  learning_rate: "learning rate",
  grad_norm: "gradient norm",
  mean_token_accuracy: "token accuracy (share)",
  eval_mean_token_accuracy: "held-out token accuracy (share)",
  entropy: "entropy (nats)",
  num_tokens: "tokens seen",
  tokens_per_second: "speed (tokens per second)",
  epoch: "passes over the data",
};

/** For example `grad_norm` → `gradient norm`; an unknown metric keeps its own name. */
export const metricName = (metric: string): string => NAMES[metric] ?? metric.replace(/_/g, " ");
