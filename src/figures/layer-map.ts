import type { ColumnTable } from "arquero";
import { numbers, requireColumns, series, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { heatmap } from "./heatmap.js";
import { axis, frame, HEADING, heading, panels } from "./layout.js";
import { metricName } from "./metric-names.js";
import { estimateWidth } from "./text.js";

export interface LayerMapOptions {
  /** The column to show, for example `rank_at_share` or `frobenius_norm`. */
  value: string;
  /** Its name and unit. @default the column's name */
  title?: string;
  /** Writes the values into the squares. @default when there is room */
  written?: boolean;
}

const LABEL = 13; // pixels

/**
 * A measure of every weight where it is in the model: one row a layer, one column a module, darker for more.
 * Columns: `layer`, `module` and the one named `value`; optionally `run` (one panel each, on the same colours). Rows
 * outside the blocks (layer null) are left out.
 */
export function layerMap(
  table: ColumnTable,
  { value, title = metricName(value), written }: LayerMapOptions,
): Figure {
  requireColumns(table, "layerMap", ["layer", "module", value]);
  const runs = series(table, "run");
  const modules = [
    ...new Set(texts(table, "module").filter((_, row) => numbers(table, "layer")[row] !== null)),
  ];
  const depth = numbers(table, "layer").reduce<number>((most, layer) => Math.max(most, (layer ?? -1) + 1), 0);
  const bound = numbers(table, value).reduce<number>((most, x) => Math.max(most, Math.abs(x ?? 0)), 0) || 1;
  const square = Math.max(14, Math.min(30, 420 / Math.max(1, depth)));
  const cell = 560 / Math.max(1, modules.length * runs.length);
  const widest = Math.max(20, ...modules.map((name) => estimateWidth(name) * LABEL));
  const slanted = widest > cell - 6;
  const named = runs.some(({ name }) => name !== "");
  const margin = { l: 64, r: 110, t: 16 + (named ? HEADING : 0), b: (slanted ? widest * 0.9 : LABEL) + 44 };
  const places = panels(runs.length, runs.length, { x: runs.length > 1 ? 0.07 : 0, y: 0 });
  const layout = frame({
    height: margin.t + Math.max(90, depth * square) + margin.b,
    margin,
    annotations: named ? places.map((place, index) => heading(runs[index]?.name ?? "", place)) : [],
  });
  const room = written ?? (square >= 18 && cell >= 40);
  const traces = places.map((place, index): Trace => {
    layout[place.xaxis] = axis("module", {
      ...place.place.x,
      ...{ tickvals: modules.map((_, at) => at), ticktext: modules, tickfont: { size: LABEL } },
      ...{
        range: [-0.5, modules.length - 0.5],
        tickangle: slanted ? -45 : 0,
        showgrid: false,
        ticks: "",
        automargin: false,
      },
    });
    layout[place.yaxis] = axis(index === 0 ? "layer" : "", {
      ...place.place.y,
      ...{ range: [depth - 0.5, -0.5], showgrid: false, ticks: "", showticklabels: index === 0 },
      ...(depth <= 16 ? { dtick: 1, tick0: 0 } : {}),
    });
    const matrix = toMatrix(runs[index]?.table ?? table, modules, depth, value);
    return {
      ...heatmap(matrix, { title, written: room, bound }),
      ...{ showscale: index === 0, xaxis: place.x, yaxis: place.y },
    };
  });
  return new Figure(traces, layout);
}

function toMatrix(table: ColumnTable, modules: string[], depth: number, value: string): (number | null)[][] {
  const matrix = Array.from({ length: depth }, () => new Array<number | null>(modules.length).fill(null));
  const [layers, names, values] = [numbers(table, "layer"), texts(table, "module"), numbers(table, value)];
  for (const [row, layer] of layers.entries()) {
    const cells = layer === null ? undefined : matrix[layer];
    if (cells) cells[modules.indexOf(names[row] ?? "")] = values[row] ?? null;
  }
  return matrix;
}
