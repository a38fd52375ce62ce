import type { ColumnTable } from "arquero";
import { numbers, requireColumns, series, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { heatmap } from "./heatmap.js";
import { axis, frame, HEADING, heading, panels } from "./layout.js";
import { colourOf, dashOf, MUTED } from "./palette.js";

/**
 * Which singular vector before training each one after training is: dark on the diagonal where nothing changed, a pale
 * row is an intruder. Columns: `tuned`, `pretrained` (from 1), `similarity` (|cos|); optionally `run` (one panel
 * each).
 */
export function intruderMap(table: ColumnTable): Figure {
  requireColumns(table, "intruderMap", ["tuned", "pretrained", "similarity"]);
  const runs = series(table, "run");
  const named = runs.some(({ name }) => name !== "");
  const [rows, columns] = [most(table, "tuned"), most(table, "pretrained")];
  const margin = { l: 64, r: 110, t: 16 + (named ? HEADING : 0), b: 56 };
  const places = panels(runs.length, runs.length, { x: 0.06, y: 0 });
  const layout = frame({
    height: margin.t + Math.max(150, Math.min(300, rows * 22)) + margin.b,
    margin,
    annotations: named ? places.map((place, index) => heading(runs[index]?.name ?? "", place)) : [],
  });
  const traces = places.map((place, index): Trace => {
    layout[place.xaxis] = axis("singular vector before training", {
      ...place.place.x,
      ...{ range: [0.5, columns + 0.5], showgrid: false, ...whole(columns) },
    });
    layout[place.yaxis] = axis(index === 0 ? "singular vector after training" : "", {
      ...place.place.y,
      ...{ range: [rows + 0.5, 0.5], showgrid: false, showticklabels: index === 0, ...whole(rows) },
    });
    const map = heatmap(toMatrix(runs[index]?.table ?? table, rows, columns), {
      title: "|cos|",
      written: false,
      bound: 1,
    });
    const gap = columns > 40 ? 0 : 1;
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
  return new Figure(traces, layout);
}

/**
 * How many of the most important singular vectors are intruders, whatever one calls similar: the mean number a weight
 * whose similarity is below ε, against ε. Columns: `path`, `similarity`, optionally `threshold` (a dotted line) and
 * `run` (one line each).
 */
export function intruderCurve(table: ColumnTable): Figure {
  requireColumns(table, "intruderCurve", ["path", "similarity"]);
  const thresholds = Array.from({ length: 101 }, (_, step) => step / 100);
  const traces = series(table, "run").map(({ name, table: rows }, index): Trace => {
    const similarities = numbers(rows, "similarity");
    const weights = new Set(texts(rows, "path")).size || 1;
    const below = (threshold: number) =>
      similarities.filter((value) => value !== null && value < threshold).length;
    return {
      ...{
        type: "scatter",
        mode: "lines",
        name,
        x: thresholds,
        y: thresholds.map((t) => below(t) / weights),
      },
      line: { color: colourOf(index), width: 2, dash: dashOf(index) },
    };
  });
  const threshold = numbers(table, "threshold")[0];
  return new Figure(
    traces,
    frame({
      xaxis: axis("ε: less similar than this counts as new", { range: [0, 1] }),
      yaxis: axis("intruder dimensions a weight (mean)", { rangemode: "tozero" }),
      shapes:
        threshold == null
          ? []
          : [
              {
                ...{ type: "line", xref: "x", x0: threshold, x1: threshold, yref: "paper", y0: 0, y1: 1 },
                line: { color: MUTED, width: 1.2, dash: "dot" },
              },
            ],
    }),
  );
}

const most = (table: ColumnTable, column: string): number =>
  numbers(table, column).reduce<number>((top, value) => Math.max(top, value ?? 0), 0);

const whole = (count: number) => (count <= 16 ? { dtick: 1, tick0: 1 } : { nticks: 6 });

function toMatrix(table: ColumnTable, rows: number, columns: number): (number | null)[][] {
  const matrix = Array.from({ length: rows }, () => new Array<number | null>(columns).fill(null));
  const [tuned, pretrained] = [numbers(table, "tuned"), numbers(table, "pretrained")];
  for (const [row, similarity] of numbers(table, "similarity").entries()) {
    const cells = matrix[(tuned[row] ?? 0) - 1];
    if (cells) cells[(pretrained[row] ?? 0) - 1] = similarity;
  }
  return matrix;
}
