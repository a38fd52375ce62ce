import type { ColumnTable } from "arquero";
import { numbers, requireColumns } from "./columns.js";
import { Figure } from "./figure.js";
import { heatmap } from "./heatmap.js";
import { axis, frame } from "./layout.js";

export interface MatrixMapOptions {
  /** Names of the axes. @default "row" and "column" */
  rowTitle?: string;
  columnTitle?: string;
  /** Name and unit of the values. @default "value" */
  valueTitle?: string;
  /** Writes the values into the squares. @default when there are at most 12 columns */
  values?: boolean;
}

/**
 * A matrix as coloured squares, row 0 on top: white at zero, blue below, vermilion above; white to blue when no value
 * is negative. Columns: `row`, `column` (numbers from 0), `value`.
 */
export function matrixMap(table: ColumnTable, options: MatrixMapOptions = {}): Figure {
  const { rowTitle = "row", columnTitle = "column", valueTitle = "value" } = options;
  requireColumns(table, "matrixMap", ["row", "column", "value"]);
  const matrix = toMatrix(numbers(table, "row"), numbers(table, "column"), numbers(table, "value"));
  const columns = matrix[0]?.length ?? 0;
  const written = options.values ?? columns <= 12;
  const layout = frame({
    height: Math.max(200, Math.min(560, 80 + matrix.length * 34)),
    xaxis: axis(columnTitle, { showgrid: false, constrain: "domain", ...integerTicks(columns) }),
    yaxis: axis(rowTitle, { showgrid: false, autorange: "reversed", ...integerTicks(matrix.length) }),
  });
  return new Figure([heatmap(matrix, { title: valueTitle, written })], layout);
}

function toMatrix(
  rows: (number | null)[],
  columns: (number | null)[],
  values: (number | null)[],
): (number | null)[][] {
  const size = (places: (number | null)[]) =>
    places.reduce<number>((most, place) => Math.max(most, (place ?? -1) + 1), 0);
  const matrix = Array.from({ length: size(rows) }, () => new Array<number | null>(size(columns)).fill(null));
  for (const [index, value] of values.entries()) {
    const [row, column] = [rows[index], columns[index]];
    if (row != null && column != null && matrix[row]) matrix[row][column] = value;
  }
  return matrix;
}

const integerTicks = (count: number) => (count <= 24 ? { dtick: 1, tick0: 0 } : {});
