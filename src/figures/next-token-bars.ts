import type { ColumnTable } from "arquero";
import { numbers, requireColumns, series, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame } from "./layout.js";
import { colourOf } from "./palette.js";
import { percent, showToken } from "./text.js";

export interface NextTokenOptions {
  /** How many tokens to show, the likeliest first. @default 12 */
  top?: number;
}

/**
 * What may come next: one bar a token, the likeliest on top. Columns: `token`, `probability`, optionally `model`
 * (one colour each; tokens are ordered by their greatest probability).
 */
export function nextTokenBars(table: ColumnTable, { top = 12 }: NextTokenOptions = {}): Figure {
  requireColumns(table, "nextTokenBars", ["token", "probability"]);
  const best = new Map<string, number>();
  const probabilities = numbers(table, "probability");
  texts(table, "token").forEach((token, row) => {
    best.set(token, Math.max(best.get(token) ?? 0, probabilities[row] ?? 0));
  });
  const tokens = [...best]
    .sort(([, a], [, b]) => b - a)
    .slice(0, top)
    .map(([token]) => token);
  const groups = series(table, "model");
  const traces = groups.map(({ name, table: rows }, index): Trace => {
    const share = new Map<string, number>();
    const values = numbers(rows, "probability");
    for (const [row, token] of texts(rows, "token").entries()) share.set(token, values[row] ?? 0);
    const x = tokens.map((token) => share.get(token) ?? null);
    return {
      ...{ type: "bar", orientation: "h", name, x, y: tokens.map((_, place) => place) },
      ...{
        text: x.map((value) => (value === null ? "" : percent(value))),
        textposition: "outside",
        cliponaxis: false,
      },
      ...{ marker: { color: colourOf(index) }, textfont: { size: 12 } },
    };
  });
  const most = Math.max(0, ...best.values());
  const layout = frame({
    height: 70 + tokens.length * Math.max(26, 18 * groups.length + 6),
    barmode: "group",
    bargap: 0.25,
    xaxis: axis("probability", { range: [0, Math.min(1.15, most * 1.18) || 1], tickformat: ".0%" }),
    yaxis: axis("next token", {
      tickvals: tokens.map((_, place) => place),
      ticktext: tokens.map(showToken),
      range: [tokens.length - 0.5, -0.5],
      showgrid: false,
      ticks: "",
    }),
  });
  return new Figure(traces, layout);
}
