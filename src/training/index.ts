export { AdamW, type AdamWOptions, type AdamWRates, type AdamWUpdate } from "./adamw.js";
export { writeFolderAtomically } from "./atomic-folder.js";
export {
  type Checkpoint,
  checkpointsIn,
  loadCheckpoint,
  saveCheckpoint,
  type TrainingState,
} from "./checkpoint.js";
export { type ClippedGradients, clipByGlobalNorm, globalNorm } from "./clip.js";
export { type Batch, type CollateOptions, collate } from "./collate.js";
export { crossEntropy } from "./cross-entropy.js";
export { entropy } from "./entropy.js";
export { CheckpointError, TrainingError } from "./errors.js";
export { GradientSum } from "./gradient-sum.js";
export { breathe, stopSignal } from "./interrupt.js";
export { tokenLogProbs } from "./log-probs.js";
export { type Plan, type PlannedStep, type PlanOptions, planSteps, shuffledBatches } from "./plan.js";
export { readScalars } from "./read-scalars.js";
export { requireCount, requireRange } from "./require.js";
export { onePerRow, type Row, type TokenizedExample } from "./row.js";
export { type CrossEntropyOptions, type RowScores, rowCrossEntropy, scoreRows } from "./row-cross-entropy.js";
export { RunRecord, type RunRecordOptions, type TrainingStep } from "./run-record.js";
export { constant, cosine, linear, type Schedule, warmup } from "./schedule.js";
export { type BatchShape, batchShapes } from "./shapes.js";
export { type SupervisedLoss, supervisedLoss } from "./supervised-loss.js";
export {
  type Gradients,
  type LossOutputs,
  type ValueAndGradients,
  valueAndGradients,
} from "./value-and-gradients.js";
export { withoutGradient } from "./without-gradient.js";
