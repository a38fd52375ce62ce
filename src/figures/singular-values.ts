import type { ColumnTable } from "arquero";
import { hasColumn, numbers, requireColumns, series } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { colourBar } from "./heatmap.js";
import { axis, frame, HEADING, heading, panels } from "./layout.js";
import { type Colorscale, colourAt, colourOf, SEQUENTIAL } from "./palette.js";

/** Pixels: the height of a panel, and what stands between two rows of them: ticks, axis title, heading. */
const [PANEL, BETWEEN] = [190, 52 + HEADING];

/** The shade of a layer, from the first (0, light) to the last (1, dark); paler ones would be lost on white. */
const shade = (depth: number): string => colourAt(SEQUENTIAL, 0.38 + 0.62 * depth);

const SHADES: Colorscale = [0, 0.25, 0.5, 0.75, 1].map((depth) => [depth, shade(depth)]);

export interface SingularValueOptions {
  /** What is drawn: `"singular_value"` on a logarithmic axis, or `"energy"`, the share reached. @default "singular_value" */
  value?: "singular_value" | "energy";
  /** The dashed line of `energy`. @default 0.9 */
  share?: number;
}

/**
 * Spectra of the changes of weights: one panel a module, one line a layer, later layers darker. Columns: `path`,
 * `module`, `layer`, `index` (from 1) and `singular_value` or `energy`; optionally `run`, which colours lines in
 * the place of the layer, for example LoRA beside full fine-tuning.
 */
export function singularValueCurves(
  table: ColumnTable,
  { value = "singular_value", share = 0.9 }: SingularValueOptions = {},
): Figure {
  requireColumns(table, "singularValueCurves", ["path", "module", "layer", "index", value]);
  const log = value === "singular_value";
  const modules = series(table, "module");
  const columns = modules.length > 6 ? 4 : modules.length === 4 ? 2 : Math.min(3, modules.length);
  const rows = Math.ceil(modules.length / columns);
  const layers = numbers(table, "layer").filter((layer) => layer !== null);
  const [first, last] = [Math.min(...layers), Math.max(...layers)];
  const byRun = hasColumn(table, "run");
  const barred = !byRun && last > first;
  const margin = { l: 64, r: barred ? 110 : 24, t: 16 + HEADING, b: 56 };
  const plot = rows * PANEL + (rows - 1) * BETWEEN;
  const places = panels(modules.length, columns, { x: 0.045, y: BETWEEN / plot });
  const layout = frame({ height: margin.t + plot + margin.b, margin });
  const range = log ? decades(numbers(table, value)) : [0, 1.04];
  const traces: Trace[] = [];
  const notes: unknown[] = [];
  for (const [panel, place] of places.entries()) {
    const { name: module, table: rowsOfModule } = modules[panel] as (typeof modules)[number];
    notes.push(heading(module, place));
    layout[place.xaxis] = axis(panel + columns >= modules.length ? "index" : "", {
      ...place.place.x,
      rangemode: "tozero",
    });
    layout[place.yaxis] = axis(panel % columns > 0 ? "" : log ? "singular value" : "share of ‖ΔW‖²", {
      ...place.place.y,
      range,
      showticklabels: panel % columns === 0,
      ...(log ? { type: "log", dtick: 1 } : { tickformat: ".0%" }),
    });
    for (const [number, { name: run, table: lines }] of series(rowsOfModule, "run").entries()) {
      for (const { table: line } of series(lines, "path")) {
        const layer = numbers(line, "layer")[0];
        const depth = layer == null ? 1 : (layer - first) / (last - first || 1);
        traces.push({
          ...{ type: "scatter", mode: "lines", xaxis: place.x, yaxis: place.y, legendgroup: run },
          ...{ name: run || (layer == null ? module : `layer ${layer}`), x: numbers(line, "index") },
          y: numbers(line, value).map((y) => (log && (y ?? 0) <= 0 ? null : y)),
          showlegend: byRun && !traces.some(({ name }) => name === run),
          line: { color: byRun ? colourOf(number) : shade(depth), width: 1.6 },
          opacity: byRun ? 0.75 : 1,
        });
      }
    }
  }
  if (barred) traces.push(layerBar(first, last));
  const shapes = log ? [] : places.map(({ x, y }) => shareLine(x, y, share));
  return new Figure(traces, { ...layout, annotations: notes, shapes });
}

/** Whole decades around the positive values, at most eight: what is smaller is rounding. */
function decades(values: readonly (number | null)[]): [number, number] {
  const positive = values.filter((value): value is number => value !== null && value > 0).map(Math.log10);
  if (positive.length === 0) return [-1, 0];
  const top = positive.reduce((a, b) => Math.max(a, b));
  const bottom = positive.reduce((a, b) => Math.min(a, b));
  return [Math.max(Math.floor(bottom), Math.floor(top) - 7), top + 0.15];
}

/** An invisible point whose colour bar says which shade is which layer. */
const layerBar = (first: number, last: number): Trace => ({
  ...{ type: "scatter", mode: "markers", x: [null], y: [null], showlegend: false, hoverinfo: "skip" },
  marker: {
    ...{ color: [first], cmin: first, cmax: last, colorscale: SHADES, showscale: true, opacity: 0 },
    colorbar: {
      ...colourBar("layer", { side: "right" }),
      ...(last - first < 8 ? { dtick: 1, tick0: first } : {}),
    },
  },
});

const shareLine = (x: string, y: string, share: number) => ({
  ...{ type: "line", xref: `${x} domain`, yref: y, x0: 0, x1: 1, y0: share, y1: share },
  line: { color: "#6b6b6b", width: 1, dash: "dash" },
});
