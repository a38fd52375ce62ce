import type { ColumnTable } from "arquero";
import { numbers, requireColumns, series, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { heatmap } from "./heatmap.js";
import { axis, frame, HEADING, heading, type Panel, panels } from "./layout.js";
import { estimateWidth, showToken } from "./text.js";

const [SQUARE, LABEL, ROOM] = [34, 13, 640]; // pixels: a token's side, its font, the widest all panels may be

/**
 * Who looks at whom: one row a query, one column a key, darker for more weight. Columns: `query_position`,
 * `key_position` (from 0), `query`, `key` (the tokens), `weight` (rows sum to 1), optionally `head` (one panel each).
 * Pairs that are absent, such as those in the future, stay empty.
 */
export function attentionMap(table: ColumnTable): Figure {
  requireColumns(table, "attentionMap", ["query_position", "key_position", "query", "key", "weight"]);
  const heads = series(table, "head");
  const queries = labels(table, "query_position", "query");
  const keys = labels(table, "key_position", "key");
  const columns = heads.length <= 3 ? heads.length : heads.length === 4 ? 2 : 3;
  const rows = Math.ceil(heads.length / columns);

  const side = widest(queries);
  const square = Math.max(10, Math.min(SQUARE, (ROOM / columns - side) / Math.max(1, keys.length)));
  const slanted = widest(keys) > square - 4;
  const below = (slanted ? widest(keys) * 0.9 : LABEL) + 34;
  const gap = { x: side + 24, y: below + HEADING };
  const plot = {
    width: columns * square * keys.length + (columns - 1) * gap.x,
    height: rows * square * queries.length + (rows - 1) * gap.y,
  };
  const named = heads.some(({ name }) => name !== "");
  const margin = { l: side + 44, r: 110, t: 16 + (named ? HEADING : 0), b: below + 10 };
  const places = panels(heads.length, columns, {
    x: gap.x / (plot.width || 1),
    y: gap.y / (plot.height || 1),
  });
  const layout = frame({
    width: Math.max(420, margin.l + plot.width + margin.r),
    height: Math.max(160, margin.t + plot.height + margin.b),
    margin,
    annotations: named ? places.map((place, index) => heading(`head ${heads[index]?.name}`, place)) : [],
  });
  const traces: Trace[] = [];
  for (const [index, place] of places.entries()) {
    const bottom = index >= heads.length - columns;
    const left = index % columns === 0;
    layout[place.xaxis] = axis(bottom ? "key: the token looked at" : "", {
      ...place.place.x,
      ...ticks(keys),
      ...{ range: [-0.5, keys.length - 0.5], tickangle: slanted ? -60 : 0, constrain: "domain" },
    });
    layout[place.yaxis] = axis(left ? "query: the token that looks" : "", {
      ...place.place.y,
      ...ticks(queries),
      ...{ range: [queries.length - 0.5, -0.5], scaleanchor: place.x, constrain: "domain" }, // squares stay square
    });
    const weights = toMatrix(heads[index]?.table ?? table, queries.length, keys.length);
    traces.push(
      onPanel(place, weights, { first: index === 0, written: heads.length === 1 && keys.length <= 12 }),
    );
  }
  return new Figure(traces, layout);
}

function onPanel(
  { x, y }: Panel,
  weights: (number | null)[][],
  { first, written }: { first: boolean; written: boolean },
): Trace {
  const map = heatmap(weights, { title: "attention weight", written, bound: 1 });
  return { ...map, showscale: first, xaxis: x, yaxis: y };
}

function toMatrix(head: ColumnTable, rows: number, columns: number): (number | null)[][] {
  const matrix = Array.from({ length: rows }, () => new Array<number | null>(columns).fill(null));
  const [queries, keys] = [numbers(head, "query_position"), numbers(head, "key_position")];
  for (const [index, weight] of numbers(head, "weight").entries()) {
    const row = matrix[queries[index] ?? -1];
    if (row) row[keys[index] ?? -1] = weight;
  }
  return matrix;
}

/** The token at every position. */
function labels(table: ColumnTable, position: string, token: string): string[] {
  const tokens = texts(table, token);
  const found: string[] = [];
  for (const [row, place] of numbers(table, position).entries())
    if (place !== null) found[place] = showToken(tokens[row]);
  return Array.from(found, (label) => label ?? "");
}

const widest = (tokens: readonly string[]): number =>
  Math.max(24, ...tokens.map((token) => estimateWidth(token) * LABEL));

const ticks = (tokens: readonly string[]) => ({
  ...{ tickvals: tokens.map((_, position) => position), ticktext: tokens, tickfont: { size: LABEL } },
  ...{ showgrid: false, ticks: "", automargin: false },
});
