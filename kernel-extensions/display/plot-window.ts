import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { JSDOM, VirtualConsole } from "jsdom";
import { PixelCanvas } from "./canvas.js";
import { type Box, boxOf, lineWidth, moved } from "./svg-geometry.js";

/** The one call that we make of Plotly. */
export interface Plotly {
  toImage(
    figure: unknown,
    options: { format: "svg"; width: number; height: number; imageDataOnly: true },
  ): Promise<string>;
}

export interface PlotWindow {
  plotly: Plotly;
  /** A copy of plain data made of the window's own objects and arrays. */
  adopt(json: string): unknown;
  /** Parses an SVG picture, hands its document to `edit` and writes it again. */
  rewrite(svg: string, edit: (document: Document) => void): string;
}

/** jsdom remembers every selector that it was ever asked for, with what it found: about a megabyte a figure. */
const FIGURES_PER_WINDOW = 50;

let opened: { window: PlotWindow; close(): void; figures: number } | undefined;

/** A window without a screen with Plotly loaded in it: about a second to open, then kept for the next 50 figures. */
export function plotWindow(): PlotWindow {
  if (opened && opened.figures >= FIGURES_PER_WINDOW) {
    opened.close();
    opened = undefined;
  }
  opened ??= open();
  opened.figures++;
  return opened.window;
}

function open(): NonNullable<typeof opened> {
  const { window } = new JSDOM("<!doctype html><body></body>", {
    runScripts: "outside-only",
    pretendToBeVisual: true,
    virtualConsole: new VirtualConsole(), // its complaints about missing layout are answered below
  });
  standIn(window as unknown as BrowserWindow);
  window.eval(readFileSync(createRequire(import.meta.url).resolve("plotly.js-dist/plotly.js"), "utf8"));
  const plotWindow: PlotWindow = {
    plotly: window.Plotly as Plotly,
    adopt: (json) => window.JSON.parse(json),
    rewrite(svg, edit) {
      const document = new window.DOMParser().parseFromString(svg, "image/svg+xml");
      edit(document);
      return new window.XMLSerializer().serializeToString(document);
    },
  };
  return { window: plotWindow, close: () => window.close(), figures: 0 };
}

/** The constructors of a jsdom window, which its type does not list. */
interface BrowserWindow {
  URL: { createObjectURL?: () => string };
  matchMedia?: unknown;
  Element: { prototype: object };
  SVGElement: { prototype: object };
  HTMLCanvasElement: { prototype: object };
}

/** What jsdom lacks and Plotly calls: sizes of text, and a canvas to paint heatmaps on. */
function standIn(window: BrowserWindow): void {
  Object.assign(window, { TextDecoder, TextEncoder });
  window.URL.createObjectURL = () => "blob:none";
  window.matchMedia = () => ({ matches: false, addListener() {}, addEventListener() {} });
  const rectangle = ({ left, top, right, bottom }: Box) => ({
    ...{ left, top, right, bottom, x: left, y: top },
    ...{ width: right - left, height: bottom - top },
  });
  const nothing: Box = { left: 0, top: 0, right: 0, bottom: 0 };
  Object.assign(window.SVGElement.prototype, {
    getBBox(this: Element) {
      return rectangle(boxOf(this) ?? nothing);
    },
    getComputedTextLength(this: Element) {
      return lineWidth(this);
    },
    getTotalLength: () => 100,
    getPointAtLength: () => ({ x: 0, y: 0 }),
  });
  Object.assign(window.Element.prototype, {
    getBoundingClientRect(this: Element) {
      const svg = this.namespaceURI?.endsWith("svg");
      const box = svg ? moved(boxOf(this), this.getAttribute("transform")) : undefined;
      return rectangle(box ?? nothing);
    },
  });
  const contexts = new WeakMap<object, PixelCanvas>();
  const contextOf = (canvas: { width: number; height: number }): PixelCanvas => {
    const context = contexts.get(canvas) ?? new PixelCanvas(canvas);
    contexts.set(canvas, context);
    return context;
  };
  Object.assign(window.HTMLCanvasElement.prototype, {
    getContext(this: { width: number; height: number }) {
      return contextOf(this);
    },
    toDataURL(this: { width: number; height: number }) {
      return contextOf(this).toDataURL();
    },
  });
}
