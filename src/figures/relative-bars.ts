import type { ColumnTable } from "arquero";
import { FigureError, numbers, requireColumns, series, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame } from "./layout.js";
import { metricName } from "./metric-names.js";
import { colourOf, INK, MUTED } from "./palette.js";
import { escapeMarkup, estimateWidth, percent } from "./text.js";

export interface RelativeBarsOptions {
  /** The model that all others are measured by; its line is at 100 %. @default "full" */
  reference?: string;
}

/**
 * Several measures at once, each in relation to a reference model, on one logarithmic axis: a bar to the left of 100 %
 * is less than the reference, one to the right more. Each bar says its share and both values. Columns: `metric`,
 * `model`, `value` (positive), optionally `unit` and `label` (how the value is written).
 *
 * @throws {FigureError} when the reference has no positive value for a metric, or another value is not positive
 */
export function relativeBars(table: ColumnTable, { reference = "full" }: RelativeBarsOptions = {}): Figure {
  requireColumns(table, "relativeBars", ["metric", "model", "value"]);
  const metrics = (table.numRows() === 0 ? [] : series(table, "metric")).map(({ name, table: rows }) => ({
    name,
    rows: entries(rows, name),
  }));
  const models = [...new Set(texts(table, "model"))].filter((model) => model !== reference);
  const names = metrics.map(({ name }) => escapeMarkup(metricName(name).replace(/ \(.*\)$/, "")));
  const ratios = metrics.flatMap(({ name, rows }) => {
    const whole = rows.find(({ model }) => model === reference);
    if (whole === undefined) throw noReference(name, reference);
    return rows.map((row) => ({
      ...row,
      metric: name,
      whole: whole.written,
      ratio: row.value / whole.value,
    }));
  });
  const logs = ratios.map(({ ratio }) => Math.log10(ratio));
  const [least, most] = [Math.min(0, ...logs), Math.max(0, ...logs)];
  const span = Math.max(0.3, most - least);
  const ticks = TICKS.filter((share) => Math.log10(share) <= most + span * 0.1);
  const size = Math.max(34, 24 * models.length + 12);
  const traces = models.map((model, index): Trace => {
    const own = metrics.map(({ name }) => ratios.find((row) => row.model === model && row.metric === name));
    return {
      ...{ type: "bar", orientation: "h", name: model, base: 1, y: own.map((_, at) => at) },
      // A bar on a logarithmic axis runs from its base to base + x.
      x: own.map((row) => (row ? row.ratio - 1 : null)),
      ...{
        marker: { color: colourOf(index) },
        hovertext: own.map((row) => row?.written ?? ""),
        hoverinfo: "text",
      },
    };
  });
  const written = metrics.flatMap(({ name }, at) =>
    models.flatMap((model, index) => {
      const row = ratios.find((other) => other.model === model && other.metric === name);
      if (!row) return [];
      const log = Math.log10(row.ratio);
      const right = log >= 0;
      return [
        {
          ...{
            text: `<b>${percent(row.ratio)}</b> (${escapeMarkup(ofWhole(row.written, row.whole))})`,
            showarrow: false,
          },
          ...{
            x: right ? log : 0,
            xanchor: "left",
            xshift: 6,
            y: at + (index - (models.length - 1) / 2) * (0.76 / models.length),
          },
          font: { size: 12, color: INK },
        },
      ];
    }),
  );
  const room = Math.max(0, ...written.map(({ text }) => estimateWidth(text.replace(/<.*?>/g, "")) * 12.5));
  const label = Math.max(40, ...names.map((name) => estimateWidth(name) * 13));
  const margin = { l: label + 44, r: 24, t: 16, b: 56 };
  const width = 720 - margin.l - margin.r;
  const right = Math.max(most, 0) + (span * (room + 12)) / Math.max(80, width - room - 12); // room for the words
  return new Figure(
    traces,
    frame({
      height: margin.t + margin.b + metrics.length * size,
      margin,
      ...{ barmode: "group", bargap: 0.24, annotations: written },
      xaxis: axis(`share of ${reference} (logarithmic)`, {
        ...{
          type: "log",
          range: [least - span * 0.04, right],
          tickvals: ticks,
          ticktext: ticks.map((share) => `${Number((share * 100).toPrecision(1))} %`),
        },
      }),
      yaxis: axis("measure", {
        ...{ tickvals: names.map((_, at) => at), ticktext: names, range: [names.length - 0.5, -0.5] },
        ...{ showgrid: false, ticks: "", automargin: false },
      }),
      shapes: [
        {
          ...{ type: "line", xref: "x", x0: 1, x1: 1, yref: "paper", y0: 0, y1: 1 },
          line: { color: MUTED, width: 1.5 },
        },
      ],
    }),
  );
}

const TICKS = [1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100];

interface Entry {
  model: string;
  value: number;
  written: string;
}

function entries(rows: ColumnTable, metric: string): Entry[] {
  const [models, values] = [texts(rows, "model"), numbers(rows, "value")];
  const [units, labels] = [texts(rows, "unit"), texts(rows, "label")];
  return models.map((model, row) => {
    const value = values[row] ?? Number.NaN;
    if (!(value > 0)) throw notPositive(metric, model, value);
    return { model, value, written: labels[row] ?? `${brief(value)} ${units[row] ?? ""}`.trim() };
  });
}

/** `2.5 GB` and `4.6 GB` → `2.5 of 4.6 GB`. */
function ofWhole(part: string, whole: string): string {
  const unit = /\s\D*$/.exec(whole)?.[0] ?? "";
  return `${unit && part.endsWith(unit) ? part.slice(0, -unit.length) : part} of ${whole}`;
}

const brief = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));

const noReference = (metric: string, reference: string) =>
  new FigureError(`relativeBars has no ${metric} of "${reference}" to compare with`, {
    code: "figures/no-reference",
    value: { metric, reference },
    hint: "Add the row, or name another `reference`.",
  });

const notPositive = (metric: string, model: string, value: number) =>
  new FigureError(`${metric} of "${model}" is ${value}: only positive values have a share on this axis`, {
    code: "figures/not-positive",
    value: { metric, model, value },
    hint: "Give the measure itself and not a difference: a loss, not a change of loss.",
  });
