import type { ColumnTable } from "arquero";
import { OptionError } from "../errors.js";
import { hasColumn, points, requireColumns, series } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame } from "./layout.js";
import { metricName } from "./metric-names.js";
import { colourOf } from "./palette.js";

export interface LossCurveOptions {
  /**
   * Weight of the past in an exponential moving average, in [0, 1). The raw values stay visible behind it.
   * @default 0, which draws the values as they are
   */
  smoothing?: number;
  /** Logarithmic loss axis. @default false */
  log?: boolean;
}

/**
 * Loss over training. Columns: `step`, `loss` (nats per token), optionally `eval_loss` (drawn with markers) and `run`
 * (one colour a run).
 *
 * @throws {FigureError} when a column is missing
 * @throws {OptionError} when `smoothing` is outside [0, 1)
 */
export function lossCurve(table: ColumnTable, { smoothing = 0, log = false }: LossCurveOptions = {}): Figure {
  if (!(smoothing >= 0 && smoothing < 1))
    throw new OptionError(`smoothing should be in [0, 1), but is ${smoothing}`, {
      code: "figures/smoothing",
      value: smoothing,
      hint: "0 shows the raw loss, 0.9 averages over about ten steps.",
    });
  requireColumns(table, "lossCurve", ["step", "loss"]);
  const traces = series(table, "run").flatMap(({ name, table: run }, index) => {
    const [raw, held] = [points(run, "step", "loss"), points(run, "step", "eval_loss")];
    const colour = colourOf(index);
    const behind: Trace = {
      type: "scatter",
      mode: "lines",
      ...raw,
      line: { color: colour, width: 1 },
      opacity: 0.35,
      hoverinfo: "skip",
      showlegend: false,
    };
    const trained: Trace = {
      ...{ type: "scatter", mode: "lines", name: [name, "training"].filter(Boolean).join(", ") },
      ...{ x: raw.x, y: smooth(raw.y, smoothing), line: { color: colour, width: 2 } },
    };
    const heldOut: Trace = {
      ...{
        type: "scatter",
        mode: "lines+markers",
        name: [name, "held out"].filter(Boolean).join(", "),
        ...held,
      },
      ...{ line: { color: name ? colour : colourOf(1), width: 2, dash: "dot" }, marker: { size: 7 } },
    };
    return [...(smoothing > 0 ? [behind] : []), trained, ...(held.x.length > 0 ? [heldOut] : [])];
  });
  const loss =
    hasColumn(table, "eval_loss") || smoothing === 0 ? metricName("loss") : `${metricName("loss")}, smoothed`;
  return new Figure(traces, frame({ xaxis: axis("step"), yaxis: axis(loss, log ? { type: "log" } : {}) }));
}

/**
 * Exponential moving average, corrected for its start at nothing.
 *
 * $$ m_t = s\,m_{t-1} + (1 - s)\,y_t,\qquad \hat y_t = m_t / (1 - s^t) $$
 */
export function smooth(values: readonly number[], smoothing: number): number[] {
  let [average, weight] = [0, 0];
  return values.map((value) => {
    average = smoothing * average + (1 - smoothing) * value;
    weight = smoothing * weight + (1 - smoothing);
    return average / weight;
  });
}
