import type { ColumnTable } from "arquero";
import { numbers, requireColumns, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { axis, frame } from "./layout.js";
import {
  type Colorscale,
  colourAt,
  colourOf,
  DIVERGING,
  INK,
  PALE,
  readableOn,
  SEQUENTIAL,
} from "./palette.js";
import { estimateWidth, showToken } from "./text.js";

const [WIDTH, SIZE, LINE] = [672, 14, 34]; // of the strip in pixels: its width, the font, a line

/** Where a token stands: its line and, in pixels, its left edge and width. */
interface Place {
  line: number;
  left: number;
  width: number;
}

export interface TokenStripOptions {
  /** Name and unit of the values. @default "value" */
  valueTitle?: string;
}

/**
 * Text as a line of coloured tokens, broken like a paragraph. Columns: `token`, `value`: white to blue, or about zero
 * from blue to vermilion when some values are negative. A token without a value stays white.
 */
export function tokenStrip(table: ColumnTable, { valueTitle = "value" }: TokenStripOptions = {}): Figure {
  requireColumns(table, "tokenStrip", ["token", "value"]);
  const values = numbers(table, "value");
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(0, ...known), Math.max(0, ...known)];
  const bound = Math.max(-low, high) || 1;
  const [scale, floor]: [Colorscale, number] = low < 0 ? [DIVERGING, -bound] : [SEQUENTIAL, 0];
  const colours = values.map((value) =>
    value === null ? "rgb(255, 255, 255)" : colourAt(scale, (value - floor) / (bound - floor)),
  );
  const bar: Trace = {
    ...{ type: "scatter", mode: "markers", x: [null], y: [null], hoverinfo: "skip", showlegend: false },
    marker: {
      ...{ color: [floor, bound], cmin: floor, cmax: bound, colorscale: scale, showscale: true },
      colorbar: {
        title: { text: valueTitle, side: "top" },
        orientation: "h",
        thickness: 10,
        len: 0.5,
        x: 0,
        xanchor: "left",
        y: 0,
        yanchor: "top",
        ypad: 10,
        exponentformat: "e",
      },
    },
  };
  return strip(
    texts(table, "token"),
    colours,
    values.map((value) => (value === null ? "no value" : String(Number(value.toPrecision(4))))),
    [bar],
    60,
  );
}

/**
 * Which tokens are trained on: text as coloured tokens, those that count for the loss in blue, the others grey.
 * Columns: `token`, `trained` (true or 1).
 */
export function maskStrip(table: ColumnTable): Figure {
  requireColumns(table, "maskStrip", ["token", "trained"]);
  const trained = numbers(table, "trained").map(Boolean);
  const key = [
    { name: "trained on", colour: TRAINED },
    { name: "only read", colour: PALE },
  ].map(
    ({ name, colour }): Trace => ({
      type: "scatter",
      mode: "markers",
      name,
      x: [null],
      y: [null],
      showlegend: true,
      marker: { color: colour, symbol: "square", size: 14 },
    }),
  );
  return strip(
    texts(table, "token"),
    trained.map((is) => (is ? TRAINED : "rgb(220, 220, 220)")),
    trained.map((is) => (is ? "trained on" : "only read")),
    key,
    0,
  );
}

const TRAINED = colourAt(
  [
    [0, colourOf(0)],
    [1, colourOf(0)],
  ],
  0,
);

function strip(tokens: string[], colours: string[], notes: string[], extra: Trace[], below: number): Figure {
  const shown = tokens.map(showToken);
  const places = flow(shown);
  const lines = Math.max(1, (places.at(-1)?.line ?? 0) + 1);
  const middles: Trace = {
    ...{ type: "scatter", mode: "text", showlegend: false, text: shown, customdata: notes },
    ...{ x: places.map(({ left, width }) => left + width / 2), y: places.map(({ line }) => line) },
    textfont: { size: SIZE, color: colours.map(readableOn) },
    hovertemplate: "%{text}: %{customdata}<extra></extra>",
  };
  const shapes = places.map(({ line, left, width }, index) => ({
    ...{ type: "rect", x0: left + 1, x1: left + width - 1, y0: line - 0.38, y1: line + 0.38, layer: "below" },
    ...{
      fillcolor: colours[index],
      line: { width: colours[index] === "rgb(255, 255, 255)" ? 1 : 0, color: PALE },
    },
  }));
  const bare = { showgrid: false, showticklabels: false, ticks: "", fixedrange: true };
  const layout = frame({
    height: 40 + lines * LINE + below + (extra.length > 1 ? 22 : 0),
    margin: { l: 24, r: 24, t: 12, b: 28 + below },
    shapes,
    xaxis: axis("", { ...bare, range: [0, WIDTH] }),
    yaxis: axis("", { ...bare, range: [lines - 0.5, -0.5], automargin: false }),
    font: { ...(frame().font as object), color: INK },
  });
  return new Figure([middles, ...extra], layout);
}

/** Breaks tokens into lines of `WIDTH` pixels. */
function flow(tokens: string[]): Place[] {
  let [line, left] = [0, 0];
  return tokens.map((token) => {
    const width = Math.max(16, estimateWidth(token) * SIZE + 10);
    if (left > 0 && left + width > WIDTH) [line, left] = [line + 1, 0];
    const place = { line, left, width };
    left += width;
    return place;
  });
}
