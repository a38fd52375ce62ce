import { stripVTControlCharacters } from "node:util";
import { PLOTLY } from "../../display/bundle.js";
import { escapeHtml } from "../../display/escape.js";
import { PICTURE_SCALE } from "../../display/picture-scale.js";
import { bundleText, type Output } from "../notebook.js";
import { equation, type MarkdownPage } from "./markdown.js";

/** An output of a cell as HTML, its richest form that needs no script. */
export function renderOutput(output: Output, markdown: MarkdownPage): string {
  switch (output.output_type) {
    case "stream":
      return text(output.text, output.name);
    case "error":
      return text(output.traceback.join("\n") || `${output.ename}: ${output.evalue}`, "error");
    default:
      return `<div class="output">${renderBundle(output.data, markdown)}</div>`;
  }
}

const text = (content: string, kind: string): string =>
  `<pre class="output ${kind}">${escapeHtml(lastStates(stripVTControlCharacters(content)).trimEnd())}</pre>`;

/** What a terminal shows in the end: a carriage return starts its line anew. */
const lastStates = (content: string): string =>
  content.replace(/\r\n/g, "\n").replace(/^.*\r(?=[^\n])/gm, "");

type Renderer = (value: unknown, data: Record<string, unknown>, markdown: MarkdownPage) => string;

const RENDERERS: [type: string, render: Renderer][] = [
  ["text/html", (value) => `<div class="scroll">${bundleText(value)}</div>`],
  [
    "image/svg+xml",
    (value) => image("svg+xml", Buffer.from(bundleText(value)).toString("base64"), undefined),
  ],
  [
    "image/png",
    (value, data) => image("png", bundleText(value), PLOTLY in data ? PICTURE_SCALE : 1, describe(data)),
  ],
  ["image/jpeg", (value) => image("jpeg", bundleText(value), undefined)],
  ["text/markdown", (value, _, markdown) => markdown.render(bundleText(value))],
  ["text/latex", (value) => equation(bundleText(value))],
  ["text/plain", (value) => `<pre>${escapeHtml(stripVTControlCharacters(bundleText(value)))}</pre>`],
];

function renderBundle(data: Record<string, unknown>, markdown: MarkdownPage): string {
  for (const [type, render] of RENDERERS) if (type in data) return render(data[type], data, markdown);
  return `<pre>${escapeHtml(`(no form of this output can be printed: ${Object.keys(data).join(", ")})`)}</pre>`;
}

function image(type: string, base64: string, scale: number | undefined, alternative = ""): string {
  const bytes = base64.replace(/\s/g, "");
  const width = scale && type === "png" ? ` width="${Math.round(pngWidth(bytes) / scale)}"` : "";
  return `<img src="data:image/${type};base64,${bytes}"${width} alt="${escapeHtml(alternative)}">`;
}

const pngWidth = (base64: string): number => Buffer.from(base64.slice(0, 32), "base64").readUInt32BE(16);

const describe = (data: Record<string, unknown>): string => bundleText(data["text/plain"] ?? "");
