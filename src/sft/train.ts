import { breathe, collate, type Row, saveCheckpoint } from "../training/index.js";
import { prepareData } from "./data.js";
import { evaluateRows } from "./evaluate.js";
import { SftLearner } from "./learner.js";
import { type SftStep, stepMetrics } from "./metrics.js";
import { type SftOptions, withDefaults } from "./options.js";
import {
  advance,
  requireFinite,
  requireSameTrainable,
  requireUnswitched,
  start,
  trainableNames,
} from "./progress.js";
import { scheduleOf } from "./schedule.js";

/**
 * Supervised fine-tuning: the model learns to write the answers.
 *
 * $$ \theta \leftarrow \text{AdamW}\Bigl(\theta,\; \nabla_\theta\, \frac{-1}{N} \sum_t m_{t+1}
 *    \log \pi_\theta(y_{t+1} \mid y_{\le t})\Bigr) \tag{SFT-5} $$
 *
 * Yields after every optimizer step; stopping is leaving the loop. The model's weights are then those of the
 * last step, and everything else is freed, after an error or an abort as well.
 *
 * ```ts
 * for await (const step of trainSft({ model, tokenizer, examples, epochs: 2 })) run.record(step);
 * ```
 *
 * @throws {OptionError} for an option outside its domain
 * @throws {DataError} naming an example that has nothing to learn
 * @throws {TrainingError} when the loss is not finite, naming step and examples; the weights stay those of the step before
 * @throws {TrainingError} when another adapter is at work, or other parameters are trainable, than when the run began
 * @throws {CheckpointError} when a checkpoint cannot be saved or resumed; those saved before are unharmed
 * @throws the signal's reason when it aborts
 * @source Ouyang et al. 2022 (InstructGPT), section 3.5
 */
export async function* trainSft(options: SftOptions): AsyncGenerator<SftStep, void, void> {
  const settings = withDefaults(options);
  const { model, maxLength, signal, evalEvery, saveEvery, outputFolder, keepCheckpoints } = settings;
  const data = prepareData(settings);
  const { rows, plan, shapes, evaluation, padTokenId } = data;
  const learningRate = scheduleOf(settings, plan.totalSteps);
  const isDue = (step: number, every = plan.stepsPerEpoch) => step % every === 0 || step === plan.totalSteps;
  const batchOf = (chosen: number[]) =>
    collate(
      chosen.map((row) => rows[row] as Row),
      { rows: data.rowsPerBatch, maxLength, padTokenId, shapes },
    );

  const trained = trainableNames(model);
  const learner = new SftLearner(settings, data);
  try {
    let state = await start(settings, data, learner);
    const atWork = model.adapters.inUse;
    for (const { step, microBatches } of plan.from(state.step)) {
      await breathe(signal);
      requireUnswitched(model, atWork);
      requireSameTrainable(model, trained);
      const batches = microBatches.map(batchOf);
      const learned = await learner.learn(step, batches, learningRate(step));
      requireFinite(
        learned,
        step,
        batches.flatMap(({ examples }) => examples),
      );

      state = advance(state, learned, learner, data);
      const metrics = stepMetrics(learned, state, plan.stepsPerEpoch);
      if (evaluation.length > 0 && isDue(state.step, evalEvery)) {
        Object.assign(metrics, await evaluateRows(model, evaluation, { ...settings, padTokenId }));
      }
      if (outputFolder && isDue(state.step, saveEvery)) {
        await saveCheckpoint(outputFolder, { model, optimizer: learner.optimizer, state }, keepCheckpoints);
      }
      yield { step: state.step, epoch: metrics.epoch, metrics };
    }
  } finally {
    learner.dispose();
  }
}
