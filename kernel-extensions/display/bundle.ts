import { inspect } from "node:util";
import { toPlain } from "./plain.js";
import { isTable, tableBundle } from "./table.js";
import { inspectTensorsNicely, isTensor, tensorBundle } from "./tensor.js";

/** Renderings of one value by MIME type, as Jupyter's messages and notebook files hold them. */
export type MimeBundle = Record<string, unknown>;

export const PLOTLY = "application/vnd.plotly.v1+json";
const DISPLAY = Symbol.for("Jupyter.display");

export interface BundleOptions {
  /**
   * Complete a Plotly figure with a PNG, so that it is seen where no script runs. Takes tens of milliseconds
   * (about a second the first time): pass `false` for the frames of a live chart and give the last one
   * to {@link withPicture}.
   * @default true
   */
  picture?: boolean;
}

/**
 * How a value shows itself in a notebook. Values with a `[Symbol.for("Jupyter.display")]()` method decide
 * themselves; arquero tables and tensors are recognised; everything else is written as Node would write it.
 * `text/plain` is always present. The value is read before the first `await`: a tensor may be disposed after the call.
 *
 * @throws whatever the value's own display method throws
 */
export async function toBundle(value: unknown, { picture = true }: BundleOptions = {}): Promise<MimeBundle> {
  const bundle = await describe(value);
  return picture ? withPicture(bundle) : bundle;
}

/** The bundle with `image/png` added when it holds a Plotly figure without one; any other bundle as it is. */
export async function withPicture(bundle: MimeBundle): Promise<MimeBundle> {
  const figure = bundle[PLOTLY];
  if (!figure || bundle["image/png"]) return bundle;
  try {
    const { figureToPng } = await import("./static-plot.js");
    const png = await figureToPng(figure);
    return { ...bundle, "image/png": Buffer.from(png).toString("base64") };
  } catch (error) {
    warnOnce(`This figure has no static picture: ${error instanceof Error ? error.message : String(error)}`);
    return bundle;
  }
}

async function describe(value: unknown): Promise<MimeBundle> {
  if (hasDisplay(value)) {
    const own = await value[DISPLAY]();
    const figure = PLOTLY in own && { [PLOTLY]: toPlain(own[PLOTLY]) };
    return { "text/plain": own["text/plain"] ?? toText(value), ...own, ...figure };
  }
  if (isTensor(value)) return tensorBundle(value);
  if (isTable(value)) return tableBundle(value);
  return { "text/plain": toText(value) };
}

interface SelfDisplaying {
  [DISPLAY](): MimeBundle | Promise<MimeBundle>;
}

function hasDisplay(value: unknown): value is SelfDisplaying {
  const holder = (typeof value === "object" && value !== null) || typeof value === "function";
  return holder && typeof (value as Partial<SelfDisplaying>)[DISPLAY] === "function";
}

function toText(value: unknown): string {
  inspectTensorsNicely(value);
  return inspect(value, {
    colors: false,
    depth: 4,
    maxArrayLength: 100,
    maxStringLength: 10_000,
    breakLength: 100,
  });
}

const warned = new Set<string>();

function warnOnce(message: string): void {
  if (warned.has(message)) return;
  warned.add(message);
  console.warn(message);
}
