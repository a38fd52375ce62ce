import { type CompiledStep, compileStep, Random } from "../backend/index.js";
import { type Tensor, tf } from "../backend/tf.js";
import {
  AdamW,
  type AdamWRates,
  type AdamWUpdate,
  type Batch,
  breathe,
  GradientSum,
  readScalars,
  type SupervisedLoss,
} from "../training/index.js";
import { neftuneNoise } from "./neftune.js";
import type { SftSettings } from "./options.js";
import { accumulateStep, type BatchTensors, batchTensors, learnStep, updateStep } from "./step.js";

/** What one optimizer step found out; sums are over its supervised tokens, in nats. */
export interface Learned {
  /** Mean over the supervised tokens, smoothing included. */
  loss: number;
  surprise: number;
  correct: number;
  entropy: number;
  /** ‖g‖ before clipping. */
  norm: number;
  /** 1, or 0 when nothing was changed because a number was not finite. */
  accepted: number;
  /** Tokens learned. */
  supervised: number;
  /** Tokens seen, padding not counted. */
  tokens: number;
  learningRate: number;
  seconds: number;
}

/** More shapes than batches of a data set have. */
const SHAPES_KEPT = 64;

/** Feeds batches to the compiled step functions. It owns them, the optimizer's state and the gradients' sum. */
export class SftLearner {
  readonly optimizer: AdamW;
  /** Where NEFTune's noise comes from. */
  random: Random;
  readonly #settings: SftSettings;
  readonly #sum: GradientSum;
  readonly #learn: CompiledStep<BatchTensors & AdamWRates, SupervisedLoss & AdamWUpdate>;
  readonly #accumulate: CompiledStep<BatchTensors, SupervisedLoss>;
  readonly #update: CompiledStep<AdamWRates, AdamWUpdate>;

  constructor(settings: SftSettings) {
    const { model, seed, gradientAccumulationSteps, labelSmoothing, compile } = settings;
    this.#settings = settings;
    this.random = new Random(seed);
    this.optimizer = new AdamW(model.parameters(), settings);
    this.#sum = new GradientSum(gradientAccumulationSteps > 1 ? model.parameters() : []);
    const parts = { model, optimizer: this.optimizer, sum: this.#sum, labelSmoothing };
    const options = { compile, cacheSize: SHAPES_KEPT };
    this.#learn = compileStep(learnStep(parts), options);
    this.#accumulate = compileStep(accumulateStep(parts), options);
    this.#update = compileStep(updateStep(parts), options);
  }

  /** One optimizer step on the micro-batches at a learning rate. */
  async learn(batches: readonly Batch[], learningRate: number): Promise<Learned> {
    const began = performance.now();
    const total = (key: "supervised" | "tokens"): number =>
      batches.reduce((sum, batch) => sum + batch[key], 0);
    const outcome = await (this.#settings.gradientAccumulationSteps > 1
      ? this.#learnInParts(batches, total("supervised"), learningRate)
      : this.#learnAtOnce(batches, total("supervised"), learningRate));
    if (outcome.accepted === 1) this.optimizer.updates += 1;
    const seconds = (performance.now() - began) / 1000;
    return { ...outcome, supervised: total("supervised"), tokens: total("tokens"), learningRate, seconds };
  }

  async #learnAtOnce([batch]: readonly Batch[], tokenCount: number, learningRate: number) {
    const rates = this.optimizer.rates(learningRate);
    return run(this.#learn, { ...this.#tensors(batch as Batch, tokenCount), ...rates });
  }

  async #learnInParts(batches: readonly Batch[], tokenCount: number, learningRate: number) {
    const outcome = { loss: 0, surprise: 0, correct: 0, entropy: 0 };
    for (const batch of batches) {
      await breathe(this.#settings.signal);
      const part = await run(this.#accumulate, this.#tensors(batch, tokenCount));
      for (const name of ["loss", "surprise", "correct", "entropy"] as const) outcome[name] += part[name];
    }
    return { ...outcome, ...(await run(this.#update, this.optimizer.rates(learningRate))) };
  }

  #tensors(batch: Batch, tokenCount: number): BatchTensors {
    const { model, neftuneNoiseAlpha: alpha } = this.#settings;
    const width = model.config.hiddenSize;
    const noise = alpha > 0 ? neftuneNoise(batch, width, alpha, this.random) : undefined;
    return batchTensors(batch, tokenCount, noise && [noise, width]);
  }

  dispose(): void {
    for (const part of [this.#learn, this.#accumulate, this.#update, this.optimizer, this.#sum])
      part.dispose();
  }
}

/** Runs a step on tensors, which are freed, and reads the scalars it returns. */
async function run<Inputs extends Record<string, Tensor>, Name extends string>(
  step: (inputs: Inputs) => Record<Name, Tensor>,
  inputs: Inputs,
): Promise<Record<Name, number>> {
  try {
    return await readScalars(step(inputs));
  } finally {
    tf.dispose(inputs);
  }
}
