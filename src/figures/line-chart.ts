import type { ColumnTable } from "arquero";
import { points, requireColumns, series } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame } from "./layout.js";
import { colourOf, dashOf } from "./palette.js";

export interface LineChartOptions {
  /** Column across. */
  x: string;
  /** Column upwards. */
  y: string;
  /** Column that tells the lines apart. @default one line */
  by?: string;
  /** Name and unit of each axis. @default the column's name */
  xTitle?: string;
  yTitle?: string;
  /** Logarithmic vertical axis. @default false */
  log?: boolean;
  /** Marks every point. @default when a line has at most 20 points */
  markers?: boolean;
}

/** Any column against any other, one line for every value of a third. Gaps in the data are joined. */
export function lineChart(table: ColumnTable, options: LineChartOptions): Figure {
  const { x, y, by, xTitle = x, yTitle = y, log = false } = options;
  requireColumns(table, "lineChart", by ? [x, y, by] : [x, y]);
  const traces = (by ? series(table, by) : [{ name: "", table }]).map(
    ({ name, table: rows }, index): Trace => {
      const line = points(rows, x, y);
      const markers = options.markers ?? line.x.length <= 20;
      return {
        type: "scatter",
        mode: markers ? "lines+markers" : "lines",
        name,
        ...line,
        line: { color: colourOf(index), width: 2, dash: dashOf(index) },
        marker: { color: colourOf(index), size: 6 },
      };
    },
  );
  return new Figure(traces, frame({ xaxis: axis(xTitle), yaxis: axis(yTitle, log ? { type: "log" } : {}) }));
}
