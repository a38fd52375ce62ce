/** Saves checkpoints until it is killed, for `checkpoint.test.ts`. Usage: checkpoint-child.ts <folder> [once] */
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { useBackend } from "posttrain/backend";
import { createDecoder } from "posttrain/model";
import { AdamW, saveCheckpoint, type TrainingState } from "posttrain/training";

/** Large enough that a kill has a chance to hit the middle of a write. */
export const savedModel = (seed = 1, hiddenSize = 48) =>
  createDecoder(
    { architecture: "llama", vocabSize: 2000, contextLength: 32, hiddenSize, layers: 2, heads: 2 },
    { seed },
  );

export const savedState = (step: number): TrainingState => ({
  step,
  data: { epoch: 0, stepInEpoch: step, fingerprint: "test" },
  settings: { learningRate: 0.1 },
  updates: step,
  tokens: 10 * step,
});

if (argv[1] === fileURLToPath(import.meta.url)) {
  await useBackend("cpu");
  const model = savedModel();
  const optimizer = new AdamW(model.parameters());
  const [, , folder = "", once] = argv;
  for (let step = 1; ; step++) {
    await saveCheckpoint(folder, { model, optimizer, state: savedState(step) });
    console.log(step);
    if (once) break;
  }
}
