import { randomKey, statelessUniform } from "../backend/index.js";
import { type Scalar, type Tensor1D, type Tensor2D, tf } from "../backend/tf.js";
import type { Choice } from "./choose-tokens.js";
import type { SamplingOptions } from "./sampling.js";

/** The options of a generation as tensors, and what changes from token to token: tokens seen, numbers drawn. */
export class SamplingState {
  readonly #numbers: Record<string, Scalar>;
  readonly #topK: number | undefined;
  #seen: Tensor2D | undefined;
  #draws = 0;

  constructor(
    private readonly prompts: readonly (readonly number[])[],
    vocabSize: number,
    private readonly options: SamplingOptions & { seed: number },
  ) {
    const { temperature = 0, topK, topP = 1, repetitionPenalty = 1 } = options;
    const isDrawn = temperature > 0;
    this.#topK = isDrawn ? topK : undefined;
    this.#numbers = {
      ...(isDrawn && { temperature: tf.scalar(temperature) }),
      ...(isDrawn && topP < 1 && { topP: tf.scalar(topP) }),
      ...(repetitionPenalty !== 1 && { repetitionPenalty: tf.scalar(repetitionPenalty) }),
    };
    if (repetitionPenalty !== 1) this.#seen = tokensOf(prompts, vocabSize);
  }

  /** How the next token is chosen. Call it within `tf.tidy`, which frees what is made for this token alone. */
  next(): Choice {
    const draw = this.#draws++;
    const choice = { ...this.#numbers, topK: this.#topK, seen: this.#seen };
    if (!this.#numbers.temperature) return choice;
    // A number of its own for each sequence, so that it is drawn the same in every batch.
    const uniforms = this.prompts.map((_, row) =>
      statelessUniform<Tensor1D>([1], randomKey(this.options.seed + row, draw)),
    );
    return { ...choice, uniforms: tf.concat(uniforms) };
  }

  /** Takes over the mask of the tokens seen by now. */
  remember(seen: Tensor2D | undefined): void {
    this.#seen?.dispose();
    this.#seen = seen;
  }

  dispose(): void {
    tf.dispose(this.#numbers);
    this.remember(undefined);
  }
}

/** 1 for every token of each prompt: `[batch, vocab]`. */
function tokensOf(prompts: readonly (readonly number[])[], vocabSize: number): Tensor2D {
  const seen = new Float32Array(prompts.length * vocabSize);
  for (const [row, prompt] of prompts.entries()) {
    for (const token of prompt) seen[row * vocabSize + token] = 1;
  }
  return tf.tensor2d(seen, [prompts.length, vocabSize]);
}
