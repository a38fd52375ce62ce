import { DataError, OptionError } from "../errors.js";
import type { Tokenizer } from "../tokenizer/index.js";
import type { TokenizedExample } from "../training/index.js";
import type { SftExample } from "./examples.js";
import type { MaskKind } from "./mask.js";
import { tokenizeExample } from "./tokenize.js";

export interface PrepareOptions {
  /** Not needed for examples in tokens. */
  tokenizer?: Tokenizer | undefined;
  /** Which tokens are learned. */
  mask: MaskKind;
  /** Longer examples lose their end. */
  maxLength: number;
  /** Size of the model's vocabulary. */
  vocabSize: number;
}

export interface PreparedExamples {
  examples: TokenizedExample[];
  /** Which examples were cut. */
  truncated: number[];
}

/**
 * Examples in tokens, none longer than `maxLength`, each with something to learn.
 *
 * @throws {DataError} naming the example that has nothing to learn, or nothing left of its answer
 * @throws {DataError} when there is no example
 * @throws {OptionError} when a token does not belong to the model's vocabulary
 */
export function prepareExamples(
  examples: readonly SftExample[],
  { tokenizer, mask, maxLength, vocabSize }: PrepareOptions,
): PreparedExamples {
  if (examples.length === 0) {
    throw new DataError("there is no example to learn from", {
      code: "sft/no-examples",
      value: examples,
      hint: "Check the path or the filter that the examples come from.",
    });
  }
  const truncated: number[] = [];
  const prepared = examples.map((example, index) => {
    const whole = named(index, () => tokenizeExample(tokenizer, example, { mask }));
    requireSane(whole, index, vocabSize);
    if (whole.tokenIds.length <= maxLength) return whole;
    truncated.push(index);
    const cut = { tokenIds: whole.tokenIds.slice(0, maxLength), mask: whole.mask.slice(0, maxLength) };
    if (learns(cut)) return cut;
    throw new DataError(`nothing of the answer of example ${index} is left after ${maxLength} tokens`, {
      code: "sft/completion-truncated",
      value: { example: index, tokens: whole.tokenIds.length, maxLength },
      hint: "Raise maxLength, shorten the prompt, or leave the example out. Examples are counted from 0.",
    });
  });
  return { examples: prepared, truncated };
}

/** The first token has nothing before it that could predict it. */
const learns = ({ mask }: TokenizedExample): boolean => mask.indexOf(1, 1) > 0;

function requireSane(example: TokenizedExample, index: number, vocabSize: number): void {
  const { tokenIds, mask } = example;
  const stranger = tokenIds.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
  if (stranger !== undefined) {
    throw new OptionError(`example ${index} has token ${stranger}, but the model knows only ${vocabSize}`, {
      code: "sft/token-outside-vocabulary",
      value: { example: index, token: stranger, vocabSize },
      hint: "Use the tokenizer that belongs to the model.",
    });
  }
  if (mask.length === tokenIds.length && learns(example)) return;
  throw new DataError(
    mask.length === tokenIds.length
      ? `example ${index} has nothing to learn: no token after the first is selected by the mask`
      : `example ${index} has ${tokenIds.length} tokens but a mask of ${mask.length}`,
    {
      code: "sft/nothing-to-learn",
      value: { example: index, tokens: tokenIds.length },
      hint: "A chat needs a message of the assistant, a mask one entry a token. Examples are counted from 0.",
    },
  );
}

/** Adds the number of the example to an error of the tokenizer. */
function named<T>(index: number, tokenize: () => T): T {
  try {
    return tokenize();
  } catch (error) {
    if (error instanceof Error) error.message = `example ${index}: ${error.message}`;
    throw error;
  }
}
