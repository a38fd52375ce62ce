import { createHash } from "node:crypto";
import { DataError } from "../errors.js";
import type { Tokenizer } from "../tokenizer/index.js";
import {
  type BatchShape,
  batchShapes,
  onePerRow,
  type Plan,
  planSteps,
  type Row,
} from "../training/index.js";
import type { SftSettings } from "./options.js";
import { packExamples } from "./pack.js";
import { prepareExamples } from "./prepare-examples.js";

/** What is learned, in which order, and what it is tested on. */
export interface SftData {
  rows: Row[];
  /** Rows of a batch: `batchSize`, or fewer when there are not as many. */
  rowsPerBatch: number;
  plan: Plan;
  /** Of all batches of the plan, by their length. */
  shapes: ReadonlyMap<number, BatchShape>;
  evaluation: Row[];
  padTokenId: number;
  /** Names rows and order: a checkpoint can only be resumed with the same. */
  fingerprint: string;
}

/** Tokenizes, truncates, packs and plans; reports what was truncated. */
export function prepareData(settings: SftSettings): SftData {
  const { model, tokenizer, examples, evaluation, packing, maxLength } = settings;
  const { batchSize, gradientAccumulationSteps, groupByLength, seed, epochs, maxSteps } = settings;
  const options = { ...settings, vocabSize: model.config.vocabSize };
  const training = prepareExamples(examples, options);
  reportTruncated(training.truncated, `${examples.length} examples`, settings);
  const rows = packing ? packExamples(training.examples, maxLength) : onePerRow(training.examples);
  const order = { batchSize, gradientAccumulationSteps, groupByLength, seed };
  const lengths = rows.map(({ tokenIds }) => tokenIds.length);
  const plan = planSteps({ ...order, lengths, epochs, maxSteps });

  if (evaluation?.length === 0) throw nothingHeldOut();
  const heldOut = evaluation ? prepareExamples(evaluation, options) : undefined;
  reportTruncated(heldOut?.truncated ?? [], `${evaluation?.length} held-out examples`, settings);
  return {
    rows,
    rowsPerBatch: Math.min(batchSize, rows.length),
    plan,
    shapes: batchShapes(rows, plan, maxLength),
    evaluation: onePerRow(heldOut?.examples ?? []),
    padTokenId: padTokenId(tokenizer),
    fingerprint: createHash("sha256").update(JSON.stringify({ order, rows })).digest("hex"),
  };
}

/** Padding is never attended to nor learned, so without a padding token any id will do. */
export const padTokenId = (tokenizer: Tokenizer | undefined): number => tokenizer?.padToken?.id ?? 0;

const nothingHeldOut = (): DataError =>
  new DataError("`evaluation` holds no example", {
    code: "sft/no-examples",
    value: [],
    hint: "Leave `evaluation` out to train without held-out examples, or check the split they come from.",
  });

function reportTruncated(
  truncated: readonly number[],
  all: string,
  { maxLength, onNotice }: Pick<SftSettings, "maxLength" | "onNotice">,
): void {
  if (truncated.length === 0) return;
  const shown = truncated.slice(0, 10).join(", ") + (truncated.length > 10 ? ", …" : "");
  const message = `${truncated.length} of ${all} cut to ${maxLength} tokens, their ends are lost: ${shown}`;
  onNotice({ kind: "truncated", message, examples: truncated });
}
