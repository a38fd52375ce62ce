import type { ColumnTable } from "arquero";
import { numbers, requireColumns, series } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame } from "./layout.js";
import { colourOf } from "./palette.js";

/**
 * How examples share the rows of a batch: one bar a row, one block an example, padding left white. Columns: `row`,
 * `start`, `end` (token positions, half-open), `example`; optionally `method` (one panel below the other).
 */
export function packingMap(table: ColumnTable): Figure {
  requireColumns(table, "packingMap", ["row", "start", "end", "example"]);
  const methods = series(table, "method");
  const labels: string[] = [];
  let next = 0;
  const traces = methods.map(({ name, table: blocks }): Trace => {
    const [rows, starts, ends, examples] = ["row", "start", "end", "example"].map((column) =>
      numbers(blocks, column),
    );
    const first = next;
    next += Math.max(0, ...(rows ?? []).map(Number)) + 1;
    for (let row = first; row < next; row++) labels.push(`${name} ${row - first}`.trim());
    return {
      ...{ type: "bar", orientation: "h", showlegend: false, name, width: 0.72 },
      ...{
        base: starts,
        x: ends?.map((end, index) => (end ?? 0) - (starts?.[index] ?? 0)),
        y: rows?.map((row) => first + (row ?? 0)),
      },
      ...{
        text: examples?.map((example) => String(example)),
        textposition: "inside",
        insidetextanchor: "middle",
        textangle: 0,
      },
      marker: {
        color: examples?.map((example) => colourOf(example ?? 0)),
        line: { color: "#ffffff", width: 2 },
      },
    };
  });
  const ticks = {
    tickvals: labels.map((_, row) => row),
    ticktext: labels,
    range: [labels.length - 0.5, -0.5],
    showgrid: false,
    ticks: "",
  };
  return new Figure(
    traces,
    frame({
      height: 70 + labels.length * 34,
      barmode: "overlay",
      xaxis: axis("position (tokens)"),
      yaxis: axis("row of the batch", ticks),
    }),
  );
}
