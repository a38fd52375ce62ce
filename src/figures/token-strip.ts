import type { ColumnTable } from "arquero";
import { numbers, requireColumns, texts } from "./columns.js";
import { Figure, type Trace } from "./figure.js";
import { colourBar } from "./heatmap.js";
import { axis, frame } from "./layout.js";
import { type Colorscale, colourAt, DIVERGING, PALE, PALETTE, readableOn, SEQUENTIAL } from "./palette.js";
import { estimateWidth, showToken } from "./text.js";

const [WIDTH, SIZE, LINE] = [672, 14, 34]; // of the strip in pixels: its width, the font, the height of a line

export interface TokenStripOptions {
  /** Name and unit of the values. @default "value" */
  valueTitle?: string;
}

/**
 * Text as coloured tokens, broken into lines like a paragraph. Columns: `token`, `value`: white to blue, or blue over
 * white at zero to vermilion when some values are negative. A token without a value stays white.
 */
export function tokenStrip(table: ColumnTable, { valueTitle = "value" }: TokenStripOptions = {}): Figure {
  requireColumns(table, "tokenStrip", ["token", "value"]);
  const values = numbers(table, "value");
  const known = values.filter((value) => value !== null);
  const bound = Math.max(0, ...known.map(Math.abs)) || 1;
  const signed = known.some((value) => value < 0);
  const [scale, floor]: [Colorscale, number] = signed ? [DIVERGING, -bound] : [SEQUENTIAL, 0];
  const tokens = texts(table, "token").map((token, index): ColouredToken => {
    const value = values[index] ?? null;
    if (value === null) return { token, colour: WHITE, note: "no value" };
    return {
      token,
      colour: colourAt(scale, (value - floor) / (bound - floor)),
      note: String(Number(value.toPrecision(4))),
    };
  });
  const bar: Trace = {
    ...{ type: "scatter", mode: "markers", x: [null], y: [null], hoverinfo: "skip", showlegend: false },
    marker: {
      ...{ color: [floor, bound], cmin: floor, cmax: bound, colorscale: scale, showscale: true },
      colorbar: {
        ...colourBar(valueTitle, { side: "top" }),
        ...{ orientation: "h", len: 0.5, x: 0, xanchor: "left", y: 0, yanchor: "top", ypad: 6 },
      },
    },
  };
  return strip(tokens, [bar], 64);
}

/**
 * Which tokens are trained on: text as coloured tokens, those that count for the loss in blue, the others grey.
 * Columns: `token`, `trained` (true or 1).
 */
export function maskStrip(table: ColumnTable): Figure {
  requireColumns(table, "maskStrip", ["token", "trained"]);
  const trained = numbers(table, "trained");
  const tokens = texts(table, "token").map(
    (token, index): ColouredToken =>
      trained[index]
        ? { token, colour: TRAINED, note: "trained on" }
        : { token, colour: READ, note: "only read" },
  );
  const square = (name: string, color: string): Trace => ({
    ...{ type: "scatter", mode: "markers", name, showlegend: true, x: [null], y: [null] },
    marker: { color, symbol: "square", size: 13 },
  });
  return strip(tokens, [square("trained on", TRAINED), square("only read", READ)], 0);
}

interface ColouredToken {
  token: string;
  /** As `rgb(r, g, b)`. */
  colour: string;
  /** Said when the pointer rests on it. */
  note: string;
}

const WHITE = "rgb(255, 255, 255)";
const solid = (colour: string): string =>
  colourAt(
    [
      [0, colour],
      [1, colour],
    ],
    0,
  );
const [TRAINED, READ] = [solid(PALETTE[0]), solid(PALE)];

function strip(tokens: ColouredToken[], key: Trace[], below: number): Figure {
  const shown = tokens.map(({ token }) => showToken(token));
  const places = flow(shown);
  const lines = (places.at(-1)?.line ?? 0) + 1;
  const labels: Trace = {
    ...{
      type: "scatter",
      mode: "text",
      showlegend: false,
      text: shown,
      customdata: tokens.map(({ note }) => note),
    },
    ...{ x: places.map(({ left, width }) => left + width / 2), y: places.map(({ line }) => line) },
    ...{ textfont: { size: SIZE, color: tokens.map(({ colour }) => readableOn(colour)) }, cliponaxis: false },
    hovertemplate: "%{text}: %{customdata}<extra></extra>",
  };
  const boxes = places.map(({ line, left, width }, index) => ({
    ...{ type: "rect", x0: left + 1, x1: left + width - 1, y0: line - 0.42, y1: line + 0.42, layer: "below" },
    ...{
      fillcolor: tokens[index]?.colour,
      line: { width: tokens[index]?.colour === WHITE ? 1 : 0, color: PALE },
    },
  }));
  const bare = {
    showgrid: false,
    showline: false,
    showticklabels: false,
    ticks: "",
    fixedrange: true,
    automargin: false,
  };
  const margin = { l: 24, r: 24, t: 12, b: 12 + below };
  const layout = frame({
    ...{ height: margin.t + lines * LINE + margin.b, margin, shapes: boxes },
    xaxis: axis("", { ...bare, range: [0, WIDTH] }),
    yaxis: axis("", { ...bare, range: [lines - 0.5, -0.5] }),
  });
  return new Figure([labels, ...key], layout);
}

/** Where each token stands: its line and, in pixels, its left edge and width. */
function flow(tokens: string[]): { line: number; left: number; width: number }[] {
  let [line, left] = [0, 0];
  return tokens.map((token) => {
    const width = Math.max(16, estimateWidth(token) * SIZE + 10);
    if (left > 0 && left + width > WIDTH) [line, left] = [line + 1, 0];
    const place = { line, left, width };
    left += width;
    return place;
  });
}
