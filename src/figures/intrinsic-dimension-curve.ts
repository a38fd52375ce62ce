import type { ColumnTable } from "arquero";
import { points, requireColumns, series } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame } from "./layout.js";
import { colourOf, dashOf, INK, MUTED } from "./palette.js";

export interface IntrinsicDimensionOptions {
  /** Where the line of "as good as full training" is. @default 0.9 */
  share?: number;
}

/**
 * How much of full training's gain a random subspace recovers, against its dimension. The dashed line is at 90 %; the
 * first dimension that reaches it, d₉₀, is marked on each curve. Columns: `dimension`, `recovered` (share), optionally
 * `model` (one curve each).
 */
export function intrinsicDimensionCurve(
  table: ColumnTable,
  { share = 0.9 }: IntrinsicDimensionOptions = {},
): Figure {
  requireColumns(table, "intrinsicDimensionCurve", ["dimension", "recovered"]);
  const curves = series(table, "model").map(({ name, table: rows }) => ({
    name,
    ...points(rows, "dimension", "recovered"),
  }));
  const all = curves.flatMap(({ y }) => y);
  const traces = curves.map(
    ({ name, x, y }, index): Trace => ({
      ...{ type: "scatter", mode: "lines+markers", name, x, y },
      ...{ line: { color: colourOf(index), width: 2, dash: dashOf(index) }, marker: { size: 7 } },
    }),
  );
  const marks = curves.flatMap(({ x, y }, index) => {
    const at = y.findIndex((recovered) => recovered >= share);
    const d = x[at];
    return d === undefined ? [] : [{ d, y: y[at] ?? share, index }];
  });
  const dimensions = curves.flatMap(({ x }) => x).map(Math.log10);
  const [first, last] = [Math.min(...dimensions), Math.max(...dimensions)];
  const percent = Math.round(share * 100);
  const bottom = Math.min(0, ...all);
  return new Figure(
    traces,
    frame({
      xaxis: axis("dimension d of the subspace", { type: "log", dtick: 1, tickformat: "," }),
      yaxis: axis("recovered of full training's gain", {
        tickformat: ".0%",
        range: [bottom < 0 ? bottom - 0.05 : 0, Math.max(1, ...all) + 0.14],
      }),
      shapes: [
        {
          ...line(share, share),
          xref: "paper",
          x0: 0,
          x1: 1,
          line: { color: MUTED, width: 1.2, dash: "dash" },
        },
        ...marks.map(({ d, y, index }) => ({
          ...{ ...line(bottom, y), xref: "x", x0: d, x1: d },
          line: { color: colourOf(index), width: 1.2, dash: "dot" },
        })),
      ],
      annotations: [
        {
          ...{ text: `${percent} %`, xref: "paper", x: 0.005, xanchor: "left", y: share, yanchor: "bottom" },
          ...{ showarrow: false, font: { size: 12, color: MUTED } },
        },
        ...marks.map(({ d, index }, place) => {
          const late = Math.log10(d) > first + 0.8 * (last - first); // no room to its right
          return {
            ...{ text: `d${subscript(percent)} = ${d.toLocaleString("en-US")}`, xref: "x", x: Math.log10(d) },
            ...{ xanchor: late ? "right" : "left", xshift: late ? -5 : 5 },
            // On the floor of the plot, one above the other, so that marks of close dimensions stay apart.
            ...{ yref: "paper", y: 0.03 + 0.075 * place, yanchor: "bottom", showarrow: false },
            font: { size: 13, color: marks.length > 1 ? colourOf(index) : INK },
          };
        }),
      ],
    }),
  );
}

const line = (y0: number, y1: number) => ({ type: "line", yref: "y", y0, y1 });

const subscript = (number: number): string =>
  [...String(number)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]).join("");
