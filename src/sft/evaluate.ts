import { tf } from "../backend/tf.js";
import type { Decoder } from "../model/index.js";
import { breathe, collate, onePerRow, type Row, readScalars } from "../training/index.js";
import { padTokenId } from "./data.js";
import { type SftOptions, withDefaults } from "./options.js";
import { prepareExamples } from "./prepare-examples.js";
import { batchTensors, sftLoss } from "./step.js";

/** The names are TRL's. Means are over the supervised tokens of all examples; smoothing and noise play no part. */
export type SftEvaluation = {
  /** Cross-entropy in nats per token. */
  eval_loss: number;
  /** e^loss: among how many equally likely tokens the model hesitates, as it were. */
  eval_perplexity: number;
  /** Share of tokens that were the model's first choice. */
  eval_mean_token_accuracy: number;
  /** Entropy of the model's own distribution, in nats. */
  eval_entropy: number;
};

/** What evaluation needs of the options of training. */
export type SftEvaluationOptions = Pick<
  SftOptions,
  "model" | "tokenizer" | "examples" | "mask" | "maxLength" | "batchSize" | "signal" | "onNotice"
>;

/**
 * Scores a model on examples that it does not learn from.
 *
 * $$ \text{perplexity} = \exp\Bigl(-\frac1N \sum_t m_{t+1} \log \pi_\theta(y_{t+1} \mid y_{\le t})\Bigr) $$
 *
 * @throws {DataError} naming the example that has nothing to score
 */
export async function evaluateSft(options: SftEvaluationOptions): Promise<SftEvaluation> {
  const settings = withDefaults(options);
  const { model, tokenizer, examples, batchSize, signal } = settings;
  const prepared = prepareExamples(examples, { ...settings, vocabSize: model.config.vocabSize });
  return evaluateRows(model, onePerRow(prepared.examples), {
    batchSize,
    maxLength: settings.maxLength,
    padTokenId: padTokenId(tokenizer),
    signal,
  });
}

export interface EvaluateRowsOptions {
  /** Rows scored together. */
  batchSize: number;
  /** No row is longer. */
  maxLength: number;
  /** What fills shorter rows; any id will do. */
  padTokenId: number;
  /** Stops the scoring before its next batch. */
  signal: AbortSignal | undefined;
}

/** Scores rows that are prepared already. */
export async function evaluateRows(
  model: Decoder,
  rows: readonly Row[],
  { batchSize, maxLength, padTokenId, signal }: EvaluateRowsOptions,
): Promise<SftEvaluation> {
  const sums = { surprise: 0, correct: 0, entropy: 0, tokens: 0 };
  const byLength = [...rows].sort((a, b) => b.tokenIds.length - a.tokenIds.length);
  const rowsPerBatch = Math.min(batchSize, rows.length);
  for (let start = 0; start < byLength.length; start += rowsPerBatch) {
    await breathe(signal);
    const chosen = byLength.slice(start, start + rowsPerBatch);
    const batch = collate(chosen, { rows: rowsPerBatch, maxLength, padTokenId });
    const inputs = batchTensors(batch, batch.supervised);
    try {
      const part = await readScalars(tf.tidy(() => sftLoss(model, inputs)));
      for (const name of ["surprise", "correct", "entropy"] as const) sums[name] += part[name];
      sums.tokens += batch.supervised;
    } finally {
      tf.dispose(inputs);
    }
  }
  const loss = sums.surprise / sums.tokens;
  return {
    eval_loss: loss,
    eval_perplexity: Math.exp(loss),
    eval_mean_token_accuracy: sums.correct / sums.tokens,
    eval_entropy: sums.entropy / sums.tokens,
  };
}
