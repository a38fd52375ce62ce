import { type RandomKey, randomKey } from "../backend/index.js";
import { type Scalar, type Tensor1D, type Tensor2D, tf } from "../backend/tf.js";
import type { Decoder } from "../model/index.js";
import {
  type AdamW,
  type AdamWRates,
  type AdamWUpdate,
  type Batch,
  type CrossEntropyOptions,
  type GradientSum,
  type SupervisedLoss,
  supervisedLoss,
  valueAndGradients,
} from "../training/index.js";
import { exampleLengths, neftuneNoise } from "./neftune.js";

/** A batch on the device. */
export type BatchTensors = {
  /** `[rows, time]` int32 */
  tokenIds: Tensor2D;
  /** `[n]` int32: the places whose logits predict a supervised token. */
  predictors: Tensor1D;
  /** `[n]` int32 */
  targets: Tensor1D;
  /** `[n]`: 1, or 0 for filling. */
  weights: Tensor1D;
  /** Supervised tokens of the whole step, all micro-batches together. */
  tokenCount: Scalar;
  /** `[rows, time]` int32, only for packed batches. */
  segments?: Tensor2D;
  positions?: Tensor2D;
  /** `[2]` int32, only in training: what dropout and NEFTune draw from. */
  dropoutKey?: RandomKey;
  /** `[rows, time]`, only with NEFTune: the length of each token's example. */
  lengths?: Tensor2D;
};

/** What makes a batch one of training. */
export interface TrainingBatch {
  seed: number;
  /** Another one for every micro-batch of a run: the same seed and counter drop and disturb the same places. */
  counter: number;
  /** Whether NEFTune disturbs the embeddings. */
  noise: boolean;
}

/**
 * Copies a batch to the device. The caller owns the tensors.
 *
 * @param tokenCount supervised tokens of the whole step
 * @param training   without it the batch is evaluated, with neither dropout nor noise
 */
export function batchTensors(batch: Batch, tokenCount: number, training?: TrainingBatch): BatchTensors {
  const { rows, time } = batch;
  const grid = (values: Int32Array): Tensor2D => tf.tensor2d(values, [rows, time], "int32");
  return {
    tokenIds: grid(batch.tokenIds),
    predictors: tf.tensor1d(batch.predictors, "int32"),
    targets: tf.tensor1d(batch.targets, "int32"),
    weights: tf.tensor1d(batch.weights),
    tokenCount: tf.scalar(tokenCount),
    ...(batch.packed ? { segments: grid(batch.segments), positions: grid(batch.positions) } : {}),
    ...(training ? { dropoutKey: randomKey(training.seed, training.counter) } : {}),
    ...(training?.noise ? { lengths: exampleLengths(batch) } : {}),
  };
}

export interface SftLossOptions extends CrossEntropyOptions {
  /** α of NEFTune, on batches that come with `lengths`. @default 0 */
  neftuneNoiseAlpha?: number;
  /** As in `ForwardOptions`. @default false */
  gradientCheckpointing?: boolean;
}

/**
 * What a decoder loses on a batch. Only the positions that predict a supervised token pass through the output
 * head, the largest product of the model.
 */
export function sftLoss(
  model: Decoder,
  batch: BatchTensors,
  { neftuneNoiseAlpha = 0, gradientCheckpointing, ...options }: SftLossOptions = {},
): SupervisedLoss {
  const { tokenIds, predictors, targets, weights, tokenCount, lengths, ...forward } = batch;
  const { dropoutKey } = forward;
  const width = model.config.hiddenSize;
  return tf.tidy(() => {
    const embeddingNoise =
      lengths && dropoutKey ? neftuneNoise(lengths, width, neftuneNoiseAlpha, dropoutKey) : undefined;
    const hidden = model.hidden(tokenIds, { ...forward, embeddingNoise, gradientCheckpointing }); // [rows, time, hidden]
    const places = tf.reshape(hidden, [-1, width]);
    const predicting = tf.gather(places, predictors) as Tensor2D; // [n, hidden]
    return supervisedLoss(model.project(predicting, dropoutKey), targets, weights, tokenCount, options);
  });
}

export interface StepParts {
  model: Decoder;
  optimizer: AdamW;
  /** Only accumulated steps use it. */
  sum: GradientSum;
  options: SftLossOptions;
}

/** One optimizer step on one batch, as a function of tensors: loss, gradients, update. */
export const learnStep =
  ({ model, optimizer, options }: StepParts) =>
  (inputs: BatchTensors & AdamWRates): SupervisedLoss & AdamWUpdate =>
    tf.tidy(() => {
      const { learningRate, stepSize, epsilon, ...batch } = inputs;
      const { loss, aux, gradients } = valueAndGradients(model.parameters(), () =>
        sftLoss(model, batch, options),
      );
      return { loss, ...aux, ...optimizer.update(gradients, { learningRate, stepSize, epsilon }, loss) };
    });

/** The part of a step that one of several micro-batches has: its gradients join the sum. */
export const accumulateStep =
  ({ model, sum, options }: StepParts) =>
  (batch: BatchTensors): SupervisedLoss =>
    tf.tidy(() => {
      const { loss, aux, gradients } = valueAndGradients(model.parameters(), () =>
        sftLoss(model, batch, options),
      );
      sum.add(gradients, loss);
      return { loss, ...aux };
    });

/** The end of an accumulated step: the sum of the gradients moves the parameters and becomes 0 again. */
export const updateStep =
  ({ optimizer, sum }: StepParts) =>
  (rates: AdamWRates): AdamWUpdate =>
    tf.tidy(() => {
      const update = optimizer.update(sum.gradients(), rates, sum.loss());
      sum.reset();
      return update;
    });
