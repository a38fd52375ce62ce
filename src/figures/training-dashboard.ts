import type { ColumnTable } from "arquero";
import { hasColumn, points, requireColumns, series } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame, panels } from "./layout.js";
import { metricName } from "./metric-names.js";
import { colourOf } from "./palette.js";

const DEFAULT = ["loss", "mean_token_accuracy", "learning_rate", "grad_norm"];

export interface DashboardOptions {
  /** Columns to show, a panel each. @default loss, token accuracy, learning rate and gradient norm, as far as present */
  metrics?: readonly string[];
}

/**
 * A run at a glance: one panel a metric. Columns: `step` and the metrics; a held-out metric (`eval_loss`) joins the
 * panel of its own (`loss`); `run`, if present, gives one colour a run.
 */
export function trainingDashboard(table: ColumnTable, { metrics }: DashboardOptions = {}): Figure {
  requireColumns(table, "trainingDashboard", ["step", ...(metrics ?? ["loss"])]);
  const shown =
    metrics ?? (table.numRows() === 0 ? DEFAULT : DEFAULT.filter((metric) => hasColumn(table, metric)));
  const columns = shown.length === 1 ? 1 : 2;
  const rows = Math.ceil(shown.length / columns);
  const places = panels(shown.length, columns, { x: 0.15, y: 0.28 / rows });
  const layout = frame({ height: 60 + rows * 190 });
  const traces: Trace[] = [];
  for (const [panel, metric] of shown.entries()) {
    const place = places[panel];
    if (!place) continue;
    const bottom = panel + columns >= shown.length;
    layout[place.xaxis] = axis(bottom ? "step" : "", place.place.x);
    layout[place.yaxis] = axis(metricName(metric), {
      ...place.place.y,
      rangemode: metric === "learning_rate" ? "tozero" : "normal",
    });
    for (const [index, { name, table: run }] of series(table, "run").entries()) {
      const on = { xaxis: place.x, yaxis: place.y, type: "scatter" };
      const colour = colourOf(index);
      const first = panel === 0;
      traces.push({
        ...on,
        mode: "lines",
        name: name || "training",
        legendgroup: name || "training",
        showlegend: first,
        ...points(run, "step", metric),
        line: { color: colour, width: 2 },
      });
      const held = points(run, "step", `eval_${metric}`);
      if (held.x.length === 0) continue;
      const label = [name, "held out"].filter(Boolean).join(", ");
      traces.push({
        ...on,
        mode: "lines+markers",
        name: label,
        legendgroup: label,
        showlegend: first,
        ...held,
        line: { color: name ? colour : colourOf(1), width: 2, dash: "dot" },
        marker: { size: 6 },
      });
    }
  }
  return new Figure(traces, layout);
}
