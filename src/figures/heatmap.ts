import type { Trace } from "./figure.js";
import { DIVERGING, MUTED, SEQUENTIAL } from "./palette.js";

export interface HeatmapOptions {
  /** Name and unit of the values, beside the colour bar. */
  title: string;
  /** Writes the values into the squares. */
  written: boolean;
  /** Value of the darkest colour. @default the largest absolute value */
  bound?: number;
}

/** A matrix as squares: white to blue, or blue over white at zero to vermilion when some values are negative. */
export function heatmap(matrix: readonly (readonly (number | null)[])[], options: HeatmapOptions): Trace {
  const values = matrix.flat().filter((value) => value !== null);
  const bound = options.bound ?? (Math.max(0, ...values.map(Math.abs)) || 1);
  const signed = values.some((value) => value < 0);
  return {
    ...{ type: "heatmap", z: matrix, xgap: 1, ygap: 1, hoverongaps: false },
    ...{ colorscale: signed ? DIVERGING : SEQUENTIAL, zmin: signed ? -bound : 0, zmax: bound },
    ...(options.written && { texttemplate: `%{z:${numberFormat(values)}}`, textfont: { size: 11 } }),
    colorbar: colourBar(options.title, { side: "right" }),
  };
}

export function colourBar(title: string, { side }: { side: "right" | "top" }): Record<string, unknown> {
  return {
    title: { text: title, side, font: { size: 13, color: MUTED } },
    ...{ thickness: 14, outlinewidth: 0, exponentformat: "e", tickfont: { size: 12 } },
  };
}

/** Whole numbers as they are, others with about two digits that say something. */
function numberFormat(values: readonly number[]): string {
  if (values.every(Number.isInteger)) return "d";
  const size = Math.max(...values.map(Math.abs));
  if (size < 0.1 || size >= 10_000) return ".1e";
  return size < 10 ? ".2f" : size < 100 ? ".1f" : ".0f";
}
