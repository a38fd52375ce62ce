import { encodePng } from "./png.js";

type Rgb = readonly [number, number, number];

/** Blue below zero, red above, white at zero: told apart by colour-blind readers. Signed values. */
const DIVERGING: readonly Rgb[] = [
  [33, 102, 172],
  [146, 197, 222],
  [247, 247, 247],
  [244, 165, 130],
  [178, 24, 43],
];
/** White to dark blue, for values of one sign. */
const SEQUENTIAL: readonly Rgb[] = [
  [247, 251, 255],
  [158, 202, 225],
  [33, 113, 181],
  [8, 48, 107],
];

/** Maps a value to a colour: symmetric about zero when both signs occur, from the smallest to the largest otherwise. */
export function heatScale(min: number, max: number): (value: number) => Rgb {
  const signed = min < 0 && max > 0;
  const bound = Math.max(-min, max);
  const [low, high] = signed ? [-bound, bound] : [min, max];
  const stops = signed ? DIVERGING : SEQUENTIAL;
  return (value) =>
    Number.isFinite(value) ? interpolate(stops, (value - low) / (high - low || 1)) : [0, 0, 0];
}

function interpolate(stops: readonly Rgb[], position: number): Rgb {
  const place = Math.min(1, Math.max(0, position)) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(place));
  const [from, to] = [stops[index] ?? [0, 0, 0], stops[index + 1] ?? [0, 0, 0]];
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(from[channel] + (to[channel] - from[channel]) * (place - index));
  return [mix(0), mix(1), mix(2)];
}

/** A picture of a matrix (`rows` × `columns`, row by row), each entry a square of `cell` pixels. */
export function heatPng(
  values: ArrayLike<number>,
  columns: number,
  cell: number,
  scale: (value: number) => Rgb,
): Buffer {
  const rows = Math.ceil(values.length / columns);
  const [width, height] = [columns * cell, rows * cell];
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const value = values[Math.floor(y / cell) * columns + Math.floor(x / cell)] ?? Number.NaN;
      rgba.set([...scale(value), 255], (y * width + x) * 4);
    }
  return encodePng(width, height, rgba);
}

/** Averages a matrix (`rows` × `columns`) over blocks, down to at most `maxRows` × `maxColumns` entries. */
export function shrink(
  values: ArrayLike<number>,
  [rows, columns]: readonly [number, number],
  [maxRows, maxColumns]: readonly [number, number],
): { values: Float64Array; columns: number } {
  const [outRows, outColumns] = [Math.min(rows, maxRows), Math.min(columns, maxColumns)];
  const sums = new Float64Array(outRows * outColumns);
  const counts = new Float64Array(outRows * outColumns);
  for (let row = 0; row < rows; row++) {
    const outRow = Math.floor((row * outRows) / rows);
    for (let column = 0; column < columns; column++) {
      const target = outRow * outColumns + Math.floor((column * outColumns) / columns);
      sums[target] = (sums[target] ?? 0) + (values[row * columns + column] ?? 0);
      counts[target] = (counts[target] ?? 0) + 1;
    }
  }
  return { values: sums.map((sum, index) => sum / (counts[index] ?? 1)), columns: outColumns };
}
