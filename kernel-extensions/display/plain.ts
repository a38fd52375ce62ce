/**
 * A copy of a figure as plain JSON data: typed arrays become lists, what is not a finite number becomes null (a gap).
 * The copy stays as it is when the figure goes on changing.
 */
export function toPlain(figure: unknown): unknown {
  const replaceTyped = (_: string, value: unknown) => (isTypedArray(value) ? Array.from(value) : value);
  return JSON.parse(JSON.stringify(figure, replaceTyped));
}

const isTypedArray = (value: unknown): value is Iterable<unknown> =>
  ArrayBuffer.isView(value) && !(value instanceof DataView);
