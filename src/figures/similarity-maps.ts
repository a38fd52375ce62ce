import type { ColumnTable } from "arquero";
import { hasColumn, numbers, requireColumns, series } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { heatmap } from "./heatmap.js";
import { axis, frame, HEADING, heading, panels } from "./layout.js";

export interface SimilarityMapOptions {
  /** Column that tells the panels apart. @default `run` if present, else `path`, else one panel */
  by?: string;
  /** Names of the two bases. @default "first" and "second" */
  first?: string;
  second?: string;
  /** Adds a panel with what random subspaces give on average, from the column `random`. @default true */
  baseline?: boolean;
}

const [SIDE, BETWEEN] = [190, 74 + HEADING]; // pixels: height of a panel, and what stands between two rows of them

/**
 * φ(i, j), how much the first i directions of one basis share with the first j of another: white at 0, dark at 1.
 * Columns: `i`, `j`, `similarity`, and with a baseline `random`; optionally `run` or `path` (one panel each).
 */
export function similarityMaps(table: ColumnTable, options: SimilarityMapOptions = {}): Figure {
  const { first = "first", second = "second", baseline = true } = options;
  requireColumns(table, "similarityMaps", ["i", "j", "similarity", ...(baseline ? ["random"] : [])]);
  const by = options.by ?? (hasColumn(table, "run") ? "run" : "path");
  const measured = series(table, by).map(({ name, table: rows }) => ({ name, rows, value: "similarity" }));
  const [one] = measured;
  const maps =
    baseline && one ? [...measured, { ...one, name: "random directions", value: "random" }] : measured;
  const columns = maps.length === 4 ? 2 : Math.min(3, maps.length);
  const lines = Math.ceil(maps.length / columns);
  const margin = { l: 64, r: 110, t: 16 + HEADING, b: 56 };
  const plot = lines * SIDE + (lines - 1) * BETWEEN;
  const places = panels(maps.length, columns, { x: 0.08, y: BETWEEN / plot });
  const layout = frame({ height: margin.t + plot + margin.b, margin });
  const traces = maps.map(({ rows, value }, index): Trace => {
    const place = places[index] as (typeof places)[number];
    const matrix = toMatrix(rows, value);
    const [height, width] = [matrix.length, matrix[0]?.length ?? 0];
    const bottom = index + columns >= maps.length;
    layout[place.xaxis] = axis(bottom ? `j, ${second}` : "", {
      ...place.place.x,
      ...{ range: [0.5, width + 0.5], showgrid: false, ...wholeTicks(width) },
    });
    layout[place.yaxis] = axis(index % columns === 0 ? `i, ${first}` : "", {
      ...place.place.y,
      ...{ range: [height + 0.5, 0.5], showgrid: false, ...wholeTicks(height) },
    });
    const map = heatmap(matrix, { title: "φ(i, j)", written: width <= 4 && height <= 4, bound: 1 });
    const gap = Math.max(width, height) > 24 ? 0 : 1;
    return {
      ...map,
      x0: 1,
      y0: 1,
      xgap: gap,
      ygap: gap,
      showscale: index === 0,
      xaxis: place.x,
      yaxis: place.y,
    };
  });
  const named = maps.some(({ name }) => name !== "");
  const annotations = named
    ? places.map((place, index) => heading(shorten(maps[index]?.name ?? ""), place))
    : [];
  return new Figure(traces, { ...layout, annotations });
}

function toMatrix(table: ColumnTable, value: string): (number | null)[][] {
  const [is, js, values] = [numbers(table, "i"), numbers(table, "j"), numbers(table, value)];
  const most = (places: (number | null)[]) =>
    places.reduce<number>((top, place) => Math.max(top, place ?? 0), 0);
  const matrix = Array.from({ length: most(is) }, () => new Array<number | null>(most(js)).fill(null));
  for (const [row, i] of is.entries()) {
    const cells = matrix[(i ?? 0) - 1];
    if (cells) cells[(js[row] ?? 0) - 1] = values[row] ?? null;
  }
  return matrix;
}

/** `model.layers.3.self_attn.q_proj` → `layer 3 q_proj`: what fits above a panel. */
export const shorten = (path: string): string =>
  path.replace(/^.*?\b(?:layers|h)\.(\d+)\.(?:(?:self_attn|mlp)\.(?!c_))?/, "layer $1 ");

const wholeTicks = (count: number) => (count <= 10 ? { dtick: 1, tick0: 1 } : { nticks: 6 });
