import type { ColumnTable } from "arquero";
import { hasColumn, numbers, requireColumns, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame, HEADING, heading, panels } from "./layout.js";
import { colourOf } from "./palette.js";
import { shorten } from "./similarity-maps.js";
import { escapeMarkup, estimateWidth } from "./text.js";

/** Whose directions W₀ is projected onto. */
const DIRECTIONS = [
  { column: "top_norm", name: "W₀'s own first directions", symbol: "diamond" },
  { column: "projected_norm", name: "directions of ΔW", symbol: "circle" },
  { column: "random_norm", name: "random directions", symbol: "x" },
];

/**
 * How much ΔW strengthens what W₀ does already. Above, one bar a weight: the amplification ‖ΔW‖ / ‖UᵀW₀V‖; below, on
 * a logarithmic axis, ‖UᵀW₀V‖ itself: how much of W₀ lies in the directions of ΔW, beside its own and random ones. Columns: `path`,
 * `amplification`, `projected_norm`, `top_norm`, `random_norm`; optionally `name` (labels in the place of the path).
 */
export function amplificationBars(table: ColumnTable): Figure {
  const norms = DIRECTIONS.map(({ column }) => column);
  requireColumns(table, "amplificationBars", ["path", "amplification", ...norms]);
  const labels = texts(table, hasColumn(table, "name") ? "name" : "path").map((name) =>
    escapeMarkup(shorten(name)),
  );
  const widest = Math.max(20, ...labels.map((label) => estimateWidth(label) * 12));
  const slanted = widest > 620 / Math.max(1, labels.length);
  const below = (slanted ? widest : 13) + 46;
  const margin = { l: 64, r: 24, t: 16 + HEADING, b: below };
  const [upper, between] = [150, 30 + HEADING];
  const plot = 2 * upper + between;
  const places = panels(2, 1, { x: 0, y: between / plot });
  const [above, under] = places as [(typeof places)[number], (typeof places)[number]];
  const x = labels.map((_, at) => at);
  const ticks = { tickvals: x, range: [-0.6, labels.length - 0.4], showgrid: false, ticks: "" };
  const values = numbers(table, "amplification");
  const bars: Trace = {
    ...{ type: "bar", name: "amplification", showlegend: false, x, y: values, width: 0.6 },
    ...{ xaxis: above.x, yaxis: above.y, marker: { color: colourOf(0) }, cliponaxis: false },
    ...(labels.length <= 14 && {
      ...{
        text: values.map((value) => (value === null ? "" : value.toPrecision(2))),
        textposition: "outside",
      },
      textfont: { size: 12 },
    }),
  };
  const dots = DIRECTIONS.map(
    ({ column, name, symbol }, index): Trace => ({
      ...{
        type: "scatter",
        mode: "markers",
        name,
        x,
        y: numbers(table, column),
        xaxis: under.x,
        yaxis: under.y,
      },
      marker: { color: colourOf(index + 1), size: 9, symbol },
    }),
  );
  const most = values.reduce<number>((top, value) => Math.max(top, value ?? 0), 0);
  const layout = frame({
    height: margin.t + plot + margin.b,
    margin,
    annotations: [heading("amplification by ΔW", above), heading("how much of W₀ lies in …", under)],
    [above.xaxis]: axis("", { ...above.place.x, ...ticks, showticklabels: false }),
    [above.yaxis]: axis("factor", { ...above.place.y, range: [0, most * 1.16 || 1] }),
    [under.xaxis]: axis("weight", {
      ...{ ...under.place.x, ...ticks, ticktext: labels, tickangle: slanted ? -60 : 0, automargin: false },
      tickfont: { size: 12 },
    }),
    [under.yaxis]: axis("norm", { ...under.place.y, type: "log", dtick: 1 }),
  });
  return new Figure([bars, ...dots], layout);
}
