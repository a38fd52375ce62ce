import type { ColumnTable } from "arquero";
import { numbers, requireColumns, series } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame } from "./layout.js";
import { colourOf } from "./palette.js";

export interface HistogramOptions {
  /** The column to count. */
  column: string;
  /** Its name and unit. @default the column's name */
  title?: string;
  /** Column that tells groups apart; they are drawn over each other. @default one group */
  by?: string;
  /** How many bars, about. @default 30 */
  bins?: number;
}

/** How often values occur, for example the lengths of examples in tokens. */
export function histogram(
  table: ColumnTable,
  { column, title = column, by, bins = 30 }: HistogramOptions,
): Figure {
  requireColumns(table, "histogram", by ? [column, by] : [column]);
  const groups = by ? series(table, by) : [{ name: "", table }];
  const traces = groups.map(({ name, table: rows }, index): Trace => {
    const x = numbers(rows, column).filter((value) => value !== null);
    return {
      type: "histogram",
      name,
      x,
      nbinsx: bins,
      opacity: groups.length > 1 ? 0.65 : 1,
      marker: { color: colourOf(index) },
    };
  });
  return new Figure(
    traces,
    frame({ barmode: "overlay", bargap: 0.05, xaxis: axis(title), yaxis: axis("count") }),
  );
}
