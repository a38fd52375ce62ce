import type { ColumnTable } from "arquero";
import { hasColumn, numbers, requireColumns, series, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame } from "./layout.js";
import { colourOf } from "./palette.js";
import { showToken } from "./text.js";

export interface GradientBarsOptions {
  /** What a bar stands for. @default "token, in order" */
  nameTitle?: string;
  /** Name and unit of the values. @default "gradient norm" */
  valueTitle?: string;
}

/**
 * How hard each token (or parameter) pulls: one bar each in the order of the table. Columns: `name`, `gradient`,
 * optionally `position` (tells equal names apart) and `loss` (one colour each, for example with and without a mask).
 */
export function gradientBars(table: ColumnTable, options: GradientBarsOptions = {}): Figure {
  const { nameTitle = "token, in order", valueTitle = "gradient norm" } = options;
  requireColumns(table, "gradientBars", ["name", "gradient"]);
  const names: string[] = [];
  const traces = series(table, "loss").map(({ name, table: rows }, index): Trace => {
    const labels = texts(rows, "name");
    const places = hasColumn(rows, "position") ? numbers(rows, "position") : labels.map((_, place) => place);
    places.forEach((place, row) => {
      if (place !== null) names[place] = showToken(labels[row]);
    });
    return { type: "bar", name, x: places, y: numbers(rows, "gradient"), marker: { color: colourOf(index) } };
  });
  const ticks = {
    tickvals: names.map((_, place) => place),
    ticktext: Array.from(names, (name) => name ?? ""),
    tickangle: names.length > 10 ? -60 : 0,
  };
  return new Figure(
    traces,
    frame({
      barmode: "group",
      bargap: 0.25,
      xaxis: axis(nameTitle, { ...ticks, showgrid: false, ticks: "" }),
      yaxis: axis(valueTitle, { rangemode: "tozero" }),
    }),
  );
}
