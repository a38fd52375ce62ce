import { ShapeError } from "../errors.js";

/**
 * Which tokens are learned:
 *
 * - `"completion"`: the answer, and the end of its turn
 * - `"assistant"`: every turn of the assistant
 * - `"full"`: everything, the prompt included
 */
export type MaskKind = "completion" | "assistant" | "full";

/** A half-open range of tokens. */
export interface TokenSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * The mask that makes a model learn the answer and not the question.
 *
 * $$ m_t = \begin{cases} 1 & t \in \bigcup_i [s_i, e_i) \\ 0 & \text{otherwise} \end{cases} $$
 *
 * @param length number of tokens of the sequence
 * @param spans  the parts to learn, `{ start, end }` in tokens
 * @returns one 0 or 1 a token: the third argument of `crossEntropy`, once it is a tensor
 * @throws {ShapeError} when a span lies outside the sequence
 */
export function completionMask(length: number, spans: TokenSpan | readonly TokenSpan[]): number[] {
  const mask = new Array<number>(length).fill(0);
  for (const { start, end } of [spans].flat() as TokenSpan[]) {
    if (!(start >= 0 && start <= end && end <= length)) {
      throw new ShapeError(`the span [${start}, ${end}) lies outside a sequence of ${length} tokens`, {
        code: "sft/span-outside",
        value: { start, end, length },
        hint: "Spans are half-open ranges of tokens, as applyChatTemplate returns them.",
      });
    }
    mask.fill(1, start, end);
  }
  return mask;
}
