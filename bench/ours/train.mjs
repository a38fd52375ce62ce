// @ts-check
import { loadAdapter } from "posttrain/lora";
import { loadDecoder } from "posttrain/model";
import { trainSft } from "posttrain/sft";

/**
 * A turn is some optimizer steps on the task's batch; its outcome is their losses.
 *
 * @param {import("../types.js").TrainTask} task
 * @param {boolean} compile
 * @returns {Promise<import("../types.js").RunTurn>}
 */
export async function prepareTraining({ model, adapter, examples, learningRate, time }, compile) {
  const decoder = await loadDecoder(model);
  if (adapter) await loadAdapter(decoder, adapter);
  const steps = trainSft({
    ...{ model: decoder, examples, learningRate, compile },
    ...{ batchSize: examples.length, maxLength: time, maxSteps: 1000 },
    ...{ schedule: "constant", weightDecay: 0.01, maxGradNorm: 1 },
  });
  return async (count) => {
    const losses = [];
    for (let i = 0; i < count; i++) {
      const { value } = await steps.next();
      if (value) losses.push(value.metrics.loss);
    }
    return losses;
  };
}
