import type { ColumnTable } from "arquero";
import { requireColumns } from "./columns.js";
import type { Figure } from "./figure.js";
import { lineChart } from "./line-chart.js";

/** Learning rate over training. Columns: `step`, `learning_rate`, optionally `schedule` (one line each). */
export function scheduleCurve(table: ColumnTable): Figure {
  requireColumns(table, "scheduleCurve", ["step", "learning_rate"]);
  return lineChart(table, {
    ...{ x: "step", y: "learning_rate", xTitle: "step", yTitle: "learning rate", markers: false },
    by: table.columnNames().includes("schedule") ? "schedule" : undefined,
  });
}
