import { type Scalar, type Tensor1D, type Tensor2D, type Tensor3D, tf } from "../backend/tf.js";
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
  /** `[rows, time, hidden]`, only with NEFTune. */
  embeddingNoise?: Tensor3D;
};

/** Copies a batch to the device. The caller owns the tensors. */
export function batchTensors(batch: Batch, tokenCount: number, noise?: [Float32Array, number]): BatchTensors {
  const { rows, time } = batch;
  const grid = (values: Int32Array): Tensor2D => tf.tensor2d(values, [rows, time], "int32");
  return {
    tokenIds: grid(batch.tokenIds),
    predictors: tf.tensor1d(batch.predictors, "int32"),
    targets: tf.tensor1d(batch.targets, "int32"),
    weights: tf.tensor1d(batch.weights),
    tokenCount: tf.scalar(tokenCount),
    ...(batch.packed ? { segments: grid(batch.segments), positions: grid(batch.positions) } : {}),
    ...(noise ? { embeddingNoise: tf.tensor3d(noise[0], [rows, time, noise[1]]) } : {}),
  };
}

/**
 * What a decoder loses on a batch. Only the positions that predict a supervised token pass through the output
 * head, the largest product of the model.
 */
export function sftLoss(
  model: Decoder,
  batch: BatchTensors,
  options: CrossEntropyOptions = {},
): SupervisedLoss {
  const { tokenIds, predictors, targets, weights, tokenCount, ...forward } = batch;
  return tf.tidy(() => {
    const hidden = model.hidden(tokenIds, forward); // [rows, time, hidden]
    const places = tf.reshape(hidden, [-1, model.config.hiddenSize]);
    const predicting = tf.gather(places, predictors) as Tensor2D; // [n, hidden]
    return supervisedLoss(model.project(predicting), targets, weights, tokenCount, options);
  });
}

export interface StepParts extends CrossEntropyOptions {
  model: Decoder;
  optimizer: AdamW;
  /** Only accumulated steps use it. */
  sum: GradientSum;
}

/** One optimizer step on one batch, as a function of tensors: loss, gradients, update. */
export const learnStep =
  ({ model, optimizer, labelSmoothing }: StepParts) =>
  (inputs: BatchTensors & AdamWRates): SupervisedLoss & AdamWUpdate =>
    tf.tidy(() => {
      const { learningRate, stepSize, epsilon, ...batch } = inputs;
      const { loss, aux, gradients } = valueAndGradients(model.parameters(), () =>
        sftLoss(model, batch, { labelSmoothing }),
      );
      return { loss, ...aux, ...optimizer.update(gradients, { learningRate, stepSize, epsilon }, loss) };
    });

/** The part of a step that one of several micro-batches has: its gradients join the sum. */
export const accumulateStep =
  ({ model, sum, labelSmoothing }: StepParts) =>
  (batch: BatchTensors): SupervisedLoss =>
    tf.tidy(() => {
      const { loss, aux, gradients } = valueAndGradients(model.parameters(), () =>
        sftLoss(model, batch, { labelSmoothing }),
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
