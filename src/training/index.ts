export { AdamW, type AdamWOptions, type AdamWRates, type AdamWUpdate } from "./adamw.js";
export { type ClippedGradients, clipByGlobalNorm, globalNorm } from "./clip.js";
export { type Batch, type CollateOptions, collate } from "./collate.js";
export { crossEntropy } from "./cross-entropy.js";
export { entropy } from "./entropy.js";
export { CheckpointError, TrainingError } from "./errors.js";
export { breathe, stopSignal } from "./interrupt.js";
export { tokenLogProbs } from "./log-probs.js";
export { type Plan, type PlannedStep, type PlanOptions, planSteps, shuffledBatches } from "./plan.js";
export { onePerRow, type Row, type TokenizedExample } from "./row.js";
export { type CrossEntropyOptions, rowCrossEntropy } from "./row-cross-entropy.js";
export { constant, cosine, linear, type Schedule, warmup } from "./schedule.js";
export { type SupervisedLoss, supervisedLoss } from "./supervised-loss.js";
export {
  type Gradients,
  type LossOutputs,
  type ValueAndGradients,
  valueAndGradients,
} from "./value-and-gradients.js";
