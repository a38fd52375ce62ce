export { exactMatch, wordOverlap } from "./answer-metrics.js";
export { evaluateSft, type SftEvaluation, type SftEvaluationOptions } from "./evaluate.js";
export type {
  ChatCompletionExample,
  ChatExample,
  CompletionExample,
  InstructionExample,
  SftExample,
  TextExample,
} from "./examples.js";
export { loadExamples } from "./load-examples.js";
export { completionMask, type MaskKind, type TokenSpan } from "./mask.js";
export type { SftMetrics, SftStep } from "./metrics.js";
export { exampleLengths, neftuneNoise } from "./neftune.js";
export type { SftNotice, SftOptions } from "./options.js";
export { packExamples } from "./pack.js";
export { type PreparedExamples, type PrepareOptions, prepareExamples } from "./prepare-examples.js";
export { type BatchTensors, batchTensors, type SftLossOptions, sftLoss, type TrainingBatch } from "./step.js";
export { instructionPrompt, type TokenizeOptions, tokenizeExample, tokenizePrompt } from "./tokenize.js";
export { trainSft } from "./train.js";
