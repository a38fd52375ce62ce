import type { ColumnTable } from "arquero";
import { hasColumn, numbers, requireColumns, series, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame, HEADING, heading, panels } from "./layout.js";
import { metricName } from "./metric-names.js";
import { colourOf } from "./palette.js";

/** Pixels: the height of a panel, and what stands between two rows of them: ticks, axis title, heading. */
const [PANEL, BETWEEN] = [234, 72 + HEADING];

/**
 * Models side by side: one panel a metric with a scale of its own, one bar a model. Columns: `metric`, `model`,
 * `value`, optionally `count` (the number of examples behind the value) and `unit` (for example "share").
 */
export function comparisonBars(table: ColumnTable): Figure {
  requireColumns(table, "comparisonBars", ["metric", "model", "value"]);
  const metrics = series(table, "metric");
  const models = [...new Set(texts(table, "model"))];
  const columns = metrics.length === 4 ? 2 : Math.min(3, metrics.length);
  const rows = Math.ceil(metrics.length / columns);
  const margin = { l: 64, r: 24, t: 16 + HEADING, b: 56 };
  const plot = rows * PANEL + (rows - 1) * BETWEEN;
  const places = panels(metrics.length, columns, { x: 0.12, y: BETWEEN / plot });
  const layout = frame({ height: margin.t + plot + margin.b, bargap: 0.35, margin });
  const notes: unknown[] = [];
  const traces = metrics.flatMap(({ name: metric, table: measured }, panel): Trace[] => {
    const place = places[panel] as (typeof places)[number];
    const unit = texts(measured, "unit")[0];
    const name = metricName(metric);
    notes.push(heading(name.replace(/ \(.*\)$/, ""), place));
    const values = numbers(measured, "value");
    const scale = [Math.min(0, ...values.map(Number)), Math.max(0, ...values.map(Number))] as const;
    const room = (scale[1] - scale[0] || 1) * 0.14;
    layout[place.xaxis] = axis("model", {
      ...place.place.x,
      tickvals: models.map((_, at) => at),
      ticktext: models.map((model) => withCount(measured, model)),
      range: [-0.5, models.length - 0.5],
      showgrid: false,
      ticks: "",
    });
    layout[place.yaxis] = axis(unit ?? /\((.*)\)$/.exec(name)?.[1] ?? "value", {
      ...place.place.y,
      range: [scale[0] < 0 ? scale[0] - room : 0, scale[1] + room],
    });
    return models.map((model, index) => {
      const value = measurement(measured, model);
      return {
        ...{
          type: "bar",
          name: model,
          showlegend: false,
          xaxis: place.x,
          yaxis: place.y,
          x: [index],
          y: [value],
          width: 0.6,
        },
        ...{ text: [value === null ? "" : written(value)], textposition: "outside", cliponaxis: false },
        marker: { color: colourOf(index) },
      };
    });
  });
  return new Figure(traces, { ...layout, annotations: notes });
}

function measurement(table: ColumnTable, model: string): number | null {
  return numbers(table, "value")[texts(table, "model").indexOf(model)] ?? null;
}

function withCount(table: ColumnTable, model: string): string {
  if (!hasColumn(table, "count")) return model;
  const count = numbers(table, "count")[texts(table, "model").indexOf(model)];
  return count == null ? model : `${model}<br>n = ${count}`;
}

const written = (value: number): string =>
  Number.isInteger(value)
    ? String(value)
    : Math.abs(value) >= 100
      ? value.toFixed(0)
      : String(Number(value.toPrecision(3)));
