/**
 * Colours that colour-blind readers can tell apart (Okabe & Ito 2008), the ones with most contrast on white first.
 * A fifth and further series should differ by dash or marker too.
 */
export const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#AA4499", "#000000", "#E69F00", "#56B4E9"] as const;

/** Text, axes, hints. */
export const INK = "#222222";
export const MUTED = "#6b6b6b";
export const GRID = "#e6e6e6";
/** What is there but not meant: masked tokens, raw values behind a smoothed line. */
export const PALE = "#dcdcdc";

/** From white to dark blue, for values of one sign. */
export const SEQUENTIAL: Colorscale = [
  [0, "#ffffff"],
  [0.25, "#c6dbef"],
  [0.5, "#6baed6"],
  [0.75, "#2171b5"],
  [1, "#08306b"],
];

/** Blue below zero, white at zero, vermilion above. */
export const DIVERGING: Colorscale = [
  [0, "#0072B2"],
  [0.25, "#7fb8d8"],
  [0.5, "#ffffff"],
  [0.75, "#eaae7f"],
  [1, "#D55E00"],
];

export type Colorscale = [position: number, colour: string][];

/** The colour of the series with this number; after the last it starts again. */
export const colourOf = (series: number): string => PALETTE[series % PALETTE.length] ?? INK;

/** Dashes of lines, changed when the colours start again. */
export const dashOf = (series: number): string =>
  ["solid", "dash", "dot", "dashdot"][Math.floor(series / PALETTE.length) % 4] ?? "solid";

/** The colour of a value in [0, 1] on a scale, as `rgb(r, g, b)`. */
export function colourAt(scale: Colorscale, position: number): string {
  const place = Math.min(1, Math.max(0, position));
  const next = Math.max(
    1,
    scale.findIndex(([stop]) => stop >= place),
  );
  const [from, low] = scale[next - 1] ?? [0, "#ffffff"];
  const [to, high] = scale[next] ?? [1, "#ffffff"];
  const mix = (place - from) / (to - from || 1);
  const channels = [1, 3, 5].map((at) => {
    const [a, b] = [low, high].map((colour) => Number.parseInt(colour.slice(at, at + 2), 16));
    return Math.round((a ?? 0) + ((b ?? 0) - (a ?? 0)) * mix);
  });
  return `rgb(${channels.join(", ")})`;
}

/** Black or white, whichever is easier to read on a colour given as `rgb(r, g, b)`. */
export function readableOn(colour: string): string {
  const [r = 0, g = 0, b = 0] = (colour.match(/\d+/g) ?? []).map(Number);
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? INK : "#ffffff";
}
