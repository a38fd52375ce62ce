import type { ColumnTable } from "arquero";
import { numbers, requireColumns, series, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame, heading, panels } from "./layout.js";
import { heatmap } from "./matrix-map.js";
import { estimateWidth, showToken } from "./text.js";

const SQUARE = 34; // pixels a token, while there is room

/**
 * Who looks at whom: one row a query, one column a key, darker for more weight. Columns: `query_position`,
 * `key_position` (from 0), `query`, `key` (the tokens), `weight` (rows sum to 1), optionally `head` (one panel each).
 * Pairs that are absent, such as those in the future, stay empty.
 */
export function attentionMap(table: ColumnTable): Figure {
  requireColumns(table, "attentionMap", ["query_position", "key_position", "query", "key", "weight"]);
  const heads = series(table, "head");
  const columns = Math.min(heads.length, heads.length === 4 ? 2 : 3);
  const rows = Math.ceil(heads.length / columns);
  const queries = labels(table, "query_position", "query");
  const keys = labels(table, "key_position", "key");
  const margin = Math.max(30, ...queries.map((token) => estimateWidth(token) * 12));
  const square = Math.max(12, Math.min(SQUARE, (640 - margin) / columns / Math.max(1, keys.length)));
  const width = Math.max(420, margin + 190 + columns * (square * keys.length + 40));
  const height = 130 + rows * (square * queries.length + 60);
  const places = panels(heads.length, columns, { x: 0.12, y: 0.18 });
  const layout = frame({
    width,
    height,
    annotations: heads[0]?.name
      ? heads.map(({ name }, index) => heading(`head ${name}`, places[index] as (typeof places)[number]))
      : [],
  });
  const written = heads.length === 1 && keys.length <= 12;
  const traces = heads.map(({ table: head }, index): Trace => {
    const place = places[index] as (typeof places)[number];
    const ticks = (tokens: string[]) => ({
      tickvals: tokens.map((_, position) => position),
      ticktext: tokens,
      showgrid: false,
      ticks: "",
    });
    layout[place.xaxis] = axis(index >= heads.length - columns ? "key: the token looked at" : "", {
      ...place.place.x,
      ...ticks(keys),
      tickangle: keys.some((token) => estimateWidth(token) * 12 > square) ? -60 : 0,
      range: [-0.5, keys.length - 0.5],
    });
    layout[place.yaxis] = axis(index % columns === 0 ? "query: the token that looks" : "", {
      ...place.place.y,
      ...ticks(queries),
      range: [queries.length - 0.5, -0.5],
    });
    const matrix = queries.map(() => new Array<number | null>(keys.length).fill(null));
    const [q, k, weight] = ["query_position", "key_position", "weight"].map((name) => numbers(head, name));
    weight?.forEach((value, row) => {
      const line = matrix[q?.[row] ?? -1];
      if (line) line[k?.[row] ?? -1] = value;
    });
    return {
      ...heatmap(matrix, "attention weight", written),
      zmin: 0,
      zmax: 1,
      showscale: index === 0,
      xaxis: place.x,
      yaxis: place.y,
    };
  });
  return new Figure(traces, layout);
}

/** The token at every position. */
function labels(table: ColumnTable, position: string, token: string): string[] {
  const tokens = texts(table, token);
  const found: string[] = [];
  numbers(table, position).forEach((place, row) => {
    if (place !== null) found[place] = showToken(tokens[row]);
  });
  return Array.from(found, (label) => label ?? "");
}
