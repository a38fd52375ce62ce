import type { ColumnTable } from "arquero";
import { numbers, requireColumns, series, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame } from "./layout.js";
import { colourOf } from "./palette.js";
import { showToken } from "./text.js";

export interface TokenScatterOptions {
  /** Names of the axes. @default "first component" and "second component" */
  xTitle?: string;
  yTitle?: string;
}

/**
 * Tokens in the plane, for example their embeddings on two principal components. Columns: `token`, `x`, `y`,
 * optionally `group` (one colour each).
 */
export function tokenScatter(table: ColumnTable, options: TokenScatterOptions = {}): Figure {
  const { xTitle = "first component", yTitle = "second component" } = options;
  requireColumns(table, "tokenScatter", ["token", "x", "y"]);
  const traces = series(table, "group").map(
    ({ name, table: rows }, index): Trace => ({
      ...{ type: "scatter", mode: "markers+text", name, x: numbers(rows, "x"), y: numbers(rows, "y") },
      ...{ text: texts(rows, "token").map(showToken), textposition: "top center", textfont: { size: 12 } },
      ...{ marker: { color: colourOf(index), size: 7 }, cliponaxis: false },
    }),
  );
  const zero = { zeroline: true, zerolinecolor: "#cfcfcf" };
  const xaxis = axis(xTitle, { ...zero, range: roomy(numbers(table, "x")) });
  const yaxis = axis(yTitle, { ...zero, range: roomy(numbers(table, "y")) });
  return new Figure(traces, frame({ height: 440, xaxis, yaxis }));
}

/** A range with room for the labels of the outermost points. */
function roomy(values: readonly (number | null)[]): [number, number] {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return [-1, 1];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = (high - low || 1) * 0.1;
  return [low - room, high + room];
}
