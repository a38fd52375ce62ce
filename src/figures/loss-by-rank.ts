import type { ColumnTable } from "arquero";
import { numbers, points, requireColumns, series } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame } from "./layout.js";
import { metricName } from "./metric-names.js";
import { colourOf, dashOf, MUTED } from "./palette.js";

export interface LossByRankOptions {
  /** The column of the losses. @default "loss" */
  value?: string;
  /** Its name and unit. @default the column's name */
  title?: string;
  /** Loss of full fine-tuning: a dashed line. */
  full?: number;
  /** Loss before any training: a dotted line. */
  base?: number;
}

/**
 * What a larger rank buys: loss against rank, ranks at equal steps of doubling. Columns: `rank`, and `loss` or the
 * one named; optionally `run` (one line each, for example a seed or a choice of modules).
 */
export function lossByRank(table: ColumnTable, options: LossByRankOptions = {}): Figure {
  const { value = "loss", title = metricName(value), full, base } = options;
  requireColumns(table, "lossByRank", ["rank", value]);
  const ranks = [...new Set(numbers(table, "rank").filter((rank) => rank !== null))].sort((a, b) => a - b);
  const [least, most] = [ranks[0] ?? 1, ranks.at(-1) ?? 2].map(Math.log2) as [number, number];
  const log10 = (log2: number) => log2 * Math.log10(2);
  const range = [log10(least - 0.35), log10(most + 0.35)];
  const lines = series(table, "run").map(
    ({ name, table: rows }, index): Trace => ({
      ...{ type: "scatter", mode: "lines+markers", name: name || "LoRA", ...points(rows, "rank", value) },
      ...{ line: { color: colourOf(index), width: 2, dash: dashOf(index) }, marker: { size: 8 } },
    }),
  );
  const level = (name: string, y: number, dash: string): Trace => ({
    ...{ type: "scatter", mode: "lines", name, x: range.map((end) => 10 ** end), y: [y, y] },
    ...{ line: { color: MUTED, width: 1.5, dash }, hoverinfo: "name+y" },
  });
  const levels = [
    ...(base === undefined ? [] : [level("before training", base, "dot")]),
    ...(full === undefined ? [] : [level("full fine-tuning", full, "dash")]),
  ];
  const xaxis = axis("rank r", { type: "log", range, tickvals: ranks, ticktext: ranks.map(String) });
  return new Figure([...lines, ...levels], frame({ xaxis, yaxis: axis(title) }));
}
