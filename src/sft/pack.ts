import { ShapeError } from "../errors.js";
import type { Row, TokenizedExample } from "../training/index.js";

/**
 * Puts several short examples into one row, so that little of a batch is padding. Every example keeps its own
 * segment number and positions that start at 0: none attends to its neighbours, and the losses are those of
 * the examples alone.
 *
 * Longest first, each goes into the fullest row that still has room (best-fit decreasing).
 *
 * @param length the most tokens a row may hold
 * @throws {ShapeError} naming the first example that is longer than a row
 */
export function packExamples(examples: readonly TokenizedExample[], length: number): Row[] {
  const tooLong = examples.findIndex(({ tokenIds }) => tokenIds.length > length);
  if (tooLong >= 0) {
    throw new ShapeError(
      `example ${tooLong} has ${examples[tooLong]?.tokenIds.length} tokens, a row only ${length}`,
      {
        code: "sft/longer-than-row",
        value: tooLong,
        hint: "Truncate the examples first, or pack into longer rows.",
      },
    );
  }

  const size = (index: number): number => examples[index]?.tokenIds.length ?? 0;
  const longestFirst = [...examples.keys()].sort((a, b) => size(b) - size(a) || a - b);
  const rows: { free: number; members: number[] }[] = [];
  for (const index of longestFirst) {
    let best: (typeof rows)[number] | undefined;
    for (const row of rows) {
      if (row.free >= size(index) && (!best || row.free < best.free)) best = row;
    }
    if (!best) {
      best = { free: length, members: [] };
      rows.push(best);
    }
    best.members.push(index);
    best.free -= size(index);
  }
  return rows.map(({ members }) => ({
    tokenIds: members.flatMap((index) => examples[index]?.tokenIds ?? []),
    mask: members.flatMap((index) => examples[index]?.mask ?? []),
    segments: members.flatMap((index, i) => new Array<number>(size(index)).fill(i + 1)),
    examples: members,
  }));
}
