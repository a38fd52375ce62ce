import { INK } from "./palette.js";
import { escapeMarkup, estimateWidth, wrap } from "./text.js";

/** A Plotly trace: what is drawn. */
export interface Trace {
  type: string;
  name?: string;
  showlegend?: boolean;
  [attribute: string]: unknown;
}

/** A Plotly layout: axes, margins, notes. */
export interface Layout {
  width: number;
  height: number;
  margin: { l: number; r: number; t: number; b: number };
  [attribute: string]: unknown;
}

const TITLE = { size: 17, line: 22, baseline: 26, stretch: 1.15 }; // pixels; bold letters are wider
const LEGEND = { size: 13, line: 22, symbol: 44 };
const PLOTLY = "application/vnd.plotly.v1+json";

/**
 * A picture made of a table: Plotly traces and layout. It shows itself in a notebook, live where a script may run
 * and as a static picture elsewhere. Its title should say what the reader is to see.
 *
 * @example
 * display(lossCurve(run.table()).title("Loss halves within 200 steps"));
 */
export class Figure {
  readonly #traces: readonly Trace[];
  readonly #frame: Layout;
  readonly #heading: string;

  constructor(traces: readonly Trace[], frame: Layout, heading = "") {
    this.#traces = traces;
    this.#frame = frame;
    this.#heading = heading;
  }

  /** The same figure under a title: a finding, not a description. Long ones are wrapped. */
  title(finding: string): Figure {
    return new Figure(this.#traces, this.#frame, finding);
  }

  /** The same figure in another size, in pixels; title and legend add to the height. */
  size(width: number, height: number): Figure {
    return new Figure(this.#traces, { ...this.#frame, width, height }, this.#heading);
  }

  /** The same figure with Plotly layout attributes replaced, for example `{ yaxis: { ...figure.layout.yaxis, type: "log" } }`. */
  with(attributes: Record<string, unknown>): Figure {
    return new Figure(this.#traces, { ...this.#frame, ...attributes }, this.#heading);
  }

  get data(): readonly Trace[] {
    return this.#traces;
  }

  /** The layout with title and legend placed above the plot, the figure made taller by what they take. */
  get layout(): Layout {
    const { width, height, margin } = this.#frame;
    const lines = this.#heading
      ? wrap(this.#heading, (width - margin.r - 24) / (TITLE.size * TITLE.stretch))
      : [];
    const legendLines = this.#legendLines(width - margin.l - margin.r);
    const heading = lines.length > 0 ? 14 + lines.length * TITLE.line : 0;
    const above = heading + legendLines * LEGEND.line;
    const total = height + above;
    return {
      ...this.#frame,
      height: total,
      margin: { ...margin, t: margin.t + above },
      showlegend: legendLines > 0,
      legend: {
        ...{ orientation: "h", x: 0, xref: "paper", xanchor: "left" },
        ...{ y: 1 - (heading + 4) / total, yref: "container", yanchor: "top" },
        ...{ font: { size: LEGEND.size }, bgcolor: "rgba(0,0,0,0)" },
      },
      ...(lines.length > 0 && {
        title: {
          text: lines.map(escapeMarkup).join("<br>"),
          ...{ x: 0, xref: "container", xanchor: "left", pad: { l: 16 } },
          ...{ y: 1 - TITLE.baseline / total, yref: "container", yanchor: "bottom" }, // the first line's baseline
          font: { size: TITLE.size, color: INK, weight: 600 },
        },
      }),
    };
  }

  /** Rows that the legend takes above the plot; none when there is nothing to tell apart. */
  #legendLines(width: number): number {
    const shown = this.#traces.filter(({ name, showlegend }) => name && showlegend !== false);
    if (shown.length < 2 && !shown.some(({ showlegend }) => showlegend)) return 0;
    const widest = Math.max(
      ...shown.map(({ name }) => estimateWidth(name ?? "") * LEGEND.size + LEGEND.symbol),
    );
    return Math.ceil(shown.length / Math.max(1, Math.floor(width / widest)));
  }

  /** Plain data for Plotly: `Plotly.newPlot(element, figure.toJSON())`. */
  toJSON(): { data: readonly Trace[]; layout: Layout } {
    return { data: this.data, layout: this.layout };
  }

  toString(): string {
    return `Figure: ${this.#heading || this.#traces.map(({ name, type }) => name || type).join(", ")}`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  [Symbol.for("Jupyter.display")](): Record<string, unknown> {
    return { [PLOTLY]: this.toJSON(), "text/plain": this.toString() };
  }
}
