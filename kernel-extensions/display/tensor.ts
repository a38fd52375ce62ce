import { inspect } from "node:util";
import type { MimeBundle } from "./bundle.js";
import { escapeHtml } from "./escape.js";
import { heatPng, heatScale, shrink } from "./heat.js";
import { formatNumber } from "./numbers.js";
import { formatValues } from "./tensor-text.js";

/** What we need of a TensorFlow.js tensor; recognised by shape, so that any copy of the library will do. */
export interface TensorLike {
  readonly shape: number[];
  readonly dtype: string;
  readonly isDisposed: boolean;
  data(): Promise<ArrayLike<number> | string[]>;
  dataSync(): ArrayLike<number> | string[];
}

export function isTensor(value: unknown): value is TensorLike {
  if (typeof value !== "object" || value === null) return false;
  const tensor = value as Partial<TensorLike>;
  return (
    Array.isArray(tensor.shape) && typeof tensor.dtype === "string" && typeof tensor.dataSync === "function"
  );
}

const STRIP = [16, 96] as const; // rows, columns of the heat strip
const LINE = 8; // values of a tensor that is part of something else

/** Shape, type, statistics, a heat strip and, for small tensors, the values. */
export async function tensorBundle(tensor: TensorLike): Promise<MimeBundle> {
  const heading = title(tensor);
  if (tensor.isDisposed) return { "text/plain": `${heading} (disposed)` };
  const values = await tensor.data();
  const facts = statistics(values, tensor.dtype);
  const written =
    tensor.shape.length === 0
      ? scalarText(values[0], tensor.dtype)
      : formatValues(readable(values, tensor.dtype), tensor.shape);
  const text = [[heading, ...facts].join("   "), written].join("\n");
  const strip = heatStrip(values, tensor);
  return strip
    ? { "text/html": html(heading, facts, strip, written), "text/plain": text }
    : { "text/plain": text };
}

function title({ dtype, shape }: TensorLike): string {
  return shape.length === 0 ? `${dtype} scalar` : `${dtype} [${shape.join(", ")}]`;
}

function scalarText(value: unknown, dtype: string): string {
  if (dtype === "bool") return String(Boolean(value));
  return typeof value === "number"
    ? Number.isInteger(value)
      ? String(value)
      : String(Number(value.toPrecision(7)))
    : JSON.stringify(value);
}

const readable = (values: ArrayLike<number> | string[], dtype: string): ArrayLike<unknown> =>
  dtype === "bool" ? Array.from(values as ArrayLike<number>, Boolean) : values;

/** `min`, `mean`, `max` and `std` over the finite values, and how many are not finite. */
function statistics(values: ArrayLike<number> | string[], dtype: string): string[] {
  if (dtype === "string" || values.length < 2) return [];
  let [count, min, max, sum, squares, bad] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0];
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    if (!Number.isFinite(value)) bad++;
    else {
      count++;
      sum += value;
      squares += value * value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  const trouble = bad > 0 ? [`not finite ${bad}`] : [];
  if (count === 0) return trouble;
  const mean = sum / count;
  if (dtype === "bool") return [`true ${sum} of ${count}`];
  const std = Math.sqrt(Math.max(0, squares / count - mean * mean));
  const numbers = { min, mean, max, std };
  return [...Object.entries(numbers).map(([name, value]) => `${name} ${formatNumber(value)}`), ...trouble];
}

/** The tensor as a matrix of at most 16 × 96 coloured squares, the last axis across; complex and text have none. */
function heatStrip(values: ArrayLike<number> | string[], { dtype, shape }: TensorLike): Buffer | undefined {
  if (dtype === "string" || dtype === "complex64" || values.length < 2) return undefined;
  const columns = shape.at(-1) ?? 1;
  const small = shrink(values as ArrayLike<number>, [values.length / columns, columns], STRIP);
  const finite = small.values.filter(Number.isFinite);
  const scale = heatScale(
    finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  );
  const rows = small.values.length / small.columns;
  const cell = Math.max(4, Math.min(18, Math.floor(480 / small.columns), Math.floor(96 / rows)));
  return heatPng(small.values, small.columns, cell, scale);
}

function html(heading: string, facts: string[], strip: Buffer, written: string): string {
  const picture = `<img alt="values as colours" src="data:image/png;base64,${strip.toString("base64")}">`;
  const statistics = facts.map((fact) => escapeHtml(fact)).join(" &nbsp; ");
  return `<p><b>${heading}</b> &nbsp; ${statistics}</p><p>${picture}</p><pre>${escapeHtml(written)}</pre>`;
}

/**
 * Gives the tensors inside `value` (as deep as three levels) a short form for `util.inspect`, so that
 * `{ loss, margins }` reads as numbers instead of the library's internals.
 */
export function inspectTensorsNicely(value: unknown, depth = 3): void {
  if (typeof value !== "object" || value === null || depth < 0) return;
  if (isTensor(value)) {
    addInspector(value);
    return;
  }
  const children = value instanceof Map || value instanceof Set ? [...value.values()] : Object.values(value);
  for (const child of children.slice(0, 100)) inspectTensorsNicely(child, depth - 1);
}

function addInspector(tensor: TensorLike): void {
  if (inspect.custom in tensor) return;
  let owner: object = tensor;
  for (let next = owner; next && next !== Object.prototype; next = Object.getPrototypeOf(next))
    if (Object.hasOwn(next, "dataSync")) owner = next;
  Object.defineProperty(owner, inspect.custom, { value: oneLine, configurable: true });
}

function oneLine(this: TensorLike): string {
  if (this.isDisposed) return `Tensor(${title(this)}, disposed)`;
  try {
    const size = this.shape.reduce((a, b) => a * b, 1);
    if (size > LINE) return `Tensor(${title(this)})`;
    const values = this.dataSync();
    if (this.shape.length === 0) return `Tensor(${scalarText(values[0], this.dtype)})`;
    return `Tensor(${title(this)}: ${formatValues(readable(values, this.dtype), this.shape).replace(/\s+/g, " ")})`;
  } catch {
    return `Tensor(${title(this)})`; // a WebGPU tensor cannot be read synchronously
  }
}
