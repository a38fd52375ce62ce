import type { Tensor, Tensor1D, Tensor2D } from "../backend/tf.js";
import { OptionError } from "../errors.js";
import type { DecoderConfig } from "./config.js";
import { tooLong } from "./decoder.js";

/** Prompts of unequal length, filled up on the left so that all end together. */
export interface PaddedPrompts {
  /** The prompts as they were given. */
  prompts: number[][];
  /** Length of the longest, in tokens. */
  time: number;
  /** `[batch][time]` */
  tokenIds: number[][];
  /** 0, 1, 2, … from each prompt's first token on; 0 before it. */
  positions: number[][];
  /** 1 for tokens, 0 for filling. */
  segments: number[][];
}

/** One prompt, several, or a tensor `[time]` or `[batch, time]` of them without filling. */
export type Prompts = readonly number[] | readonly (readonly number[])[] | Tensor1D | Tensor2D;

/**
 * @throws {OptionError} for an empty prompt, an id outside the vocabulary, or more tokens than the context holds
 */
export async function padPrompts(input: Prompts, config: DecoderConfig): Promise<PaddedPrompts> {
  const prompts = await asRows(input);
  if (prompts.length === 0) throw refuse("no prompt was given", input);
  for (const prompt of prompts) requirePrompt(prompt, config);
  const time = Math.max(...prompts.map((prompt) => prompt.length));
  const fill = <T>(prompt: number[], filling: T, row: T[]): T[] => [
    ...new Array<T>(time - prompt.length).fill(filling),
    ...row,
  ];
  return {
    prompts,
    time,
    tokenIds: prompts.map((prompt) => fill(prompt, 0, prompt)),
    positions: prompts.map((prompt) => fill(prompt, 0, [...prompt.keys()])),
    segments: prompts.map((prompt) =>
      fill(
        prompt,
        0,
        prompt.map(() => 1),
      ),
    ),
  };
}

async function asRows(input: Prompts): Promise<number[][]> {
  if (typeof input !== "object") throw refuse(`a prompt is not tokens but a ${typeof input}`, input);
  if ("shape" in input) return asRows((await (input as Tensor).array()) as number[] | number[][]);
  const rows = input.some((item) => typeof item === "number") ? [input] : input;
  return rows.map((row) => [...(row as readonly number[])]);
}

function requirePrompt(prompt: number[], { contextLength, vocabSize }: DecoderConfig): void {
  if (prompt.length === 0) throw refuse("a prompt is empty", prompt);
  if (prompt.length > contextLength) throw tooLong(prompt.length, contextLength);
  const wrong = prompt.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (wrong !== undefined) throw refuse(`${wrong} is no token id of a vocabulary of ${vocabSize}`, wrong);
}

const refuse = (problem: string, value: unknown): OptionError =>
  new OptionError(problem, {
    code: "model/bad-prompt",
    value,
    hint: "Give the ids that this model's own tokenizer makes of a text, at least one.",
  });
