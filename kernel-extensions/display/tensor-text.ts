import { formatColumn } from "./numbers.js";
import { padStart } from "./text-width.js";

const WHOLE = 120; // tensors up to this many values are written in full

/**
 * The values of a tensor as nested brackets, aligned in columns. Large ones keep the first and last few
 * entries along each axis.
 */
export function formatValues(values: ArrayLike<unknown>, shape: readonly number[]): string {
  const picked: unknown[] = [];
  const edge = values.length > WHOLE ? Math.max(1, 5 - shape.length) : Number.POSITIVE_INFINITY;
  visit(shape, 0, 0, edge, (offset) => picked.push(values[offset]));
  const numeric = picked.every((value) => typeof value === "number");
  const words = numeric
    ? formatColumn(picked as number[])
    : picked.map((value) => JSON.stringify(value) ?? "");
  const width = Math.max(0, ...words.map((word) => word.length));
  let next = 0;
  return brackets(shape, 0, edge, () => padStart(words[next++] ?? "", shape.length > 1 ? width : 0));
}

/** Calls `take` with the flat offset of every value that is shown, in order. */
function visit(
  shape: readonly number[],
  axis: number,
  offset: number,
  edge: number,
  take: (offset: number) => void,
) {
  const length = shape[axis];
  if (length === undefined) return take(offset);
  const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  for (const index of shown(length, edge))
    if (index >= 0) visit(shape, axis + 1, offset + index * stride, edge, take);
}

function brackets(shape: readonly number[], axis: number, edge: number, word: () => string): string {
  const length = shape[axis];
  if (length === undefined) return word();
  const items = [...shown(length, edge)].map((index) =>
    index < 0 ? "…" : brackets(shape, axis + 1, edge, word),
  );
  const inner = shape.length - axis === 1;
  const separator = inner ? ", " : `,${"\n".repeat(shape.length - axis - 1)}${" ".repeat(axis + 1)}`;
  return `[${items.join(separator)}]`;
}

/** Indices 0 … length − 1, the middle of a long axis replaced by one −1. */
function* shown(length: number, edge: number): Generator<number> {
  for (let index = 0; index < length; index++) {
    if (index === edge && length > 2 * edge) {
      yield -1;
      index = length - edge;
    }
    yield index;
  }
}
