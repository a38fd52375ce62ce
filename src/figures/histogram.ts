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
  /** Column that tells groups apart; their shares are compared. @default one group */
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
  const shares = groups.length > 1; // groups of different sizes are compared by shares
  const traces = groups.map(({ name, table: rows }, index): Trace => {
    const x = numbers(rows, column).filter((value) => value !== null);
    return {
      type: "histogram",
      name,
      x,
      nbinsx: bins,
      histnorm: shares ? "percent" : "",
      marker: { color: colourOf(index) },
    };
  });
  const yaxis = axis(shares ? "share of the group (%)" : "count");
  return new Figure(traces, frame({ barmode: "group", bargap: 0.08, xaxis: axis(title), yaxis }));
}
