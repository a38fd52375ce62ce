import type { Layout } from "./figure.js";
import { GRID, INK, MUTED } from "./palette.js";

const FONT = "Inter, 'Noto Sans', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', system-ui, sans-serif";

export interface FrameOptions {
  /** Pixels, without title and legend. @default 720 × 360 */
  width?: number;
  height?: number;
  [attribute: string]: unknown;
}

/** What all figures share: font, white ground, margins that axis labels can widen. */
export function frame({ width = 720, height = 360, ...attributes }: FrameOptions = {}): Layout {
  return {
    width,
    height,
    margin: { l: 64, r: 24, t: 16, b: 56 },
    font: { family: FONT, size: 13, color: INK },
    paper_bgcolor: "#ffffff",
    plot_bgcolor: "#ffffff",
    hoverlabel: { font: { family: FONT } },
    modebar: {
      remove: ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
      bgcolor: "rgba(0,0,0,0)",
    },
    ...attributes,
  };
}

/** An axis with its name and unit; numbers are written out or with exponents, never as 200µ. */
export function axis(title: string, attributes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    title: { text: title, font: { size: 13, color: MUTED }, standoff: 10 },
    automargin: true,
    showline: true,
    gridcolor: GRID,
    linecolor: "#b5b5b5",
    zeroline: false,
    exponentformat: "e",
    ticks: "outside",
    ticklen: 4,
    tickcolor: "#b5b5b5",
    ...attributes,
  };
}

export interface Panel {
  /** Names for traces: `x2`, `y2`. */
  x: string;
  y: string;
  /** Names for the layout: `xaxis2`, `yaxis2`. */
  xaxis: string;
  yaxis: string;
  /** Attributes that place its axes. */
  place: { x: Record<string, unknown>; y: Record<string, unknown> };
  /** The middle of its upper edge, in paper coordinates. */
  top: { x: number; y: number };
}

/** Small multiples: `count` panels in rows of `columns`, the gaps as shares of the figure. */
export function panels(count: number, columns: number, gap: { x: number; y: number }): Panel[] {
  const rows = Math.ceil(count / columns);
  const width = (1 - gap.x * (columns - 1)) / columns;
  const height = (1 - gap.y * (rows - 1)) / rows;
  return Array.from({ length: count }, (_, index) => {
    const left = (index % columns) * (width + gap.x);
    const top = 1 - Math.floor(index / columns) * (height + gap.y);
    const suffix = index === 0 ? "" : String(index + 1);
    const [x, y] = [`x${suffix}`, `y${suffix}`];
    return {
      x,
      y,
      xaxis: `xaxis${suffix}`,
      yaxis: `yaxis${suffix}`,
      place: {
        x: { domain: [left, Math.min(1, left + width)], anchor: y },
        y: { domain: [Math.max(0, top - height), top], anchor: x },
      },
      top: { x: left + width / 2, y: top },
    };
  });
}

/** Room that the headings of the upper panels need above the plot, in pixels. */
export const HEADING = 24;

/** A panel's heading, centred above it. */
export function heading(text: string, { top }: Panel): Record<string, unknown> {
  return {
    ...{ text, x: top.x, y: top.y, xref: "paper", yref: "paper", xanchor: "center", yanchor: "bottom" },
    ...{ showarrow: false, yshift: 4, font: { size: 13, color: INK, weight: 600 } },
  };
}
