import { type CompiledStep, compileStep, type Tensors } from "../backend/index.js";
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
import type { SftData } from "./data.js";
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

/** From how many batches of a shape on tracing saves more time than it takes. */
const TRACING_PAYS = 4;

interface MaybeCompiled<In, Out> {
  compiled: CompiledStep<In, Out>;
  plain: (inputs: In) => Out;
}

/** Feeds batches to the compiled step functions. It owns them, the optimizer's state and the gradients' sum. */
export class SftLearner {
  readonly optimizer: AdamW;
  readonly #settings: SftSettings;
  readonly #sum: GradientSum;
  readonly #data: SftData;
  readonly #learn: MaybeCompiled<BatchTensors & AdamWRates, SupervisedLoss & AdamWUpdate>;
  readonly #accumulate: MaybeCompiled<BatchTensors, SupervisedLoss>;
  readonly #update: MaybeCompiled<AdamWRates, AdamWUpdate>;

  constructor(settings: SftSettings, data: SftData) {
    const { model, gradientAccumulationSteps, compile } = settings;
    this.#settings = settings;
    this.#data = data;
    this.optimizer = new AdamW(model.parameters(), settings);
    this.#sum = new GradientSum(gradientAccumulationSteps > 1 ? model.parameters() : []);
    const parts = { model, optimizer: this.optimizer, sum: this.#sum, options: settings };
    this.#learn = maybeCompiled(learnStep(parts), compile);
    this.#accumulate = maybeCompiled(accumulateStep(parts), compile);
    this.#update = maybeCompiled(updateStep(parts), compile);
  }

  /**
   * One optimizer step on the micro-batches at a learning rate.
   *
   * @param step its number, from 0, from which with the seed follows everything random
   */
  async learn(step: number, batches: readonly Batch[], learningRate: number): Promise<Learned> {
    const began = performance.now();
    const total = (key: "supervised" | "tokens"): number =>
      batches.reduce((sum, batch) => sum + batch[key], 0);
    const outcome = await (this.#settings.gradientAccumulationSteps > 1
      ? this.#learnInParts(step, batches, total("supervised"), learningRate)
      : this.#learnAtOnce(step, batches[0] as Batch, total("supervised"), learningRate));
    if (outcome.accepted === 1) this.optimizer.updates += 1;
    const seconds = (performance.now() - began) / 1000;
    return { ...outcome, supervised: total("supervised"), tokens: total("tokens"), learningRate, seconds };
  }

  async #learnAtOnce(step: number, batch: Batch, tokenCount: number, learningRate: number) {
    const inputs = { ...this.#tensors(batch, tokenCount, step), ...this.optimizer.rates(learningRate) };
    return run(variant(this.#learn, this.#batchesLike(batch)), inputs);
  }

  async #learnInParts(step: number, batches: readonly Batch[], tokenCount: number, learningRate: number) {
    const { gradientAccumulationSteps, signal } = this.#settings;
    const outcome = { loss: 0, surprise: 0, correct: 0, entropy: 0 };
    for (const [index, batch] of batches.entries()) {
      await breathe(signal);
      const counter = step * gradientAccumulationSteps + index;
      const accumulate = variant(this.#accumulate, this.#batchesLike(batch));
      const part = await run(accumulate, this.#tensors(batch, tokenCount, counter));
      for (const name of ["loss", "surprise", "correct", "entropy"] as const) outcome[name] += part[name];
    }
    const update = variant(this.#update, this.#data.plan.totalSteps);
    return { ...outcome, ...(await run(update, this.optimizer.rates(learningRate))) };
  }

  /** How many batches of this shape the whole run has. */
  #batchesLike({ time }: Batch): number {
    return this.#data.shapes.get(time)?.batches ?? 0;
  }

  #tensors(batch: Batch, tokenCount: number, counter: number): BatchTensors {
    const { seed, neftuneNoiseAlpha } = this.#settings;
    return batchTensors(batch, tokenCount, { seed, counter, noise: neftuneNoiseAlpha > 0 });
  }

  dispose(): void {
    for (const { compiled } of [this.#learn, this.#accumulate, this.#update]) compiled.dispose();
    this.optimizer.dispose();
    this.#sum.dispose();
  }
}

/** The compiled step where tracing it pays: a choice that follows from the plan, never from what ran before. */
const variant = <In, Out>(
  { compiled, plain }: MaybeCompiled<In, Out>,
  uses: number,
): ((inputs: In) => Out) => (uses >= TRACING_PAYS ? compiled : plain);

const maybeCompiled = <In extends Tensors<In>, Out extends Tensors<Out>>(
  plain: (inputs: In) => Out,
  compile: boolean,
): MaybeCompiled<In, Out> => ({ compiled: compileStep(plain, { compile }), plain });

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
