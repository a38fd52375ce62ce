import { Resvg } from "@resvg/resvg-js";
import { covers, fontFiles, LATIN } from "./fonts.js";
import { PICTURE_SCALE } from "./picture-scale.js";
import { toPlain } from "./plain.js";
import { plotWindow } from "./plot-window.js";
import { separateScripts } from "./text-runs.js";

const [WIDTH, HEIGHT] = [700, 450];

/** One figure at a time: Plotly draws all of them in one window. */
let queue: Promise<unknown> = Promise.resolve();

/**
 * Draws a Plotly figure (`{ data, layout }`) as an SVG picture without a browser: Plotly runs in jsdom, text is
 * measured with the metrics of our own fonts. `layout.width` and `layout.height` decide the size (700 × 450 by default).
 */
export function figureToSvg(figure: unknown): Promise<string> {
  const drawn = queue.then(() => draw(figure));
  queue = drawn.catch(() => undefined);
  return drawn;
}

/** The same picture as PNG, at twice the resolution, on a white ground. */
export async function figureToPng(figure: unknown): Promise<Uint8Array> {
  const svg = await figureToSvg(figure);
  const { regular, bold, chinese, chineseBold } = fontFiles;
  const text = svg.replace(/<[^>]*>/g, "");
  const picture = new Resvg(svg, {
    background: "white",
    fitTo: { mode: "zoom", value: PICTURE_SCALE },
    font: {
      fontFiles: [regular, bold, chinese, chineseBold],
      loadSystemFonts: !covers(text), // slower, and different on every machine: only for what we cannot draw
      defaultFontFamily: LATIN,
      sansSerifFamily: LATIN,
    },
  });
  return picture.render().asPng();
}

async function draw(figure: unknown): Promise<string> {
  const { plotly, adopt, rewrite } = plotWindow();
  const plain = adopt(JSON.stringify(toPlain(figure))) as { layout?: { width?: number; height?: number } };
  const { width = WIDTH, height = HEIGHT } = plain.layout ?? {};
  const svg = await plotly.toImage(plain, { format: "svg", width, height, imageDataOnly: true });
  return rewrite(svg, forResvg);
}

/** Says in resvg's words what Plotly says in a browser's. */
function forResvg(document: Document): void {
  separateScripts(document);
  for (const image of document.querySelectorAll("image"))
    image.setAttribute("style", "image-rendering: optimizeSpeed"); // the squares of a heatmap stay sharp when enlarged
  for (const element of document.querySelectorAll("*"))
    for (const attribute of element.attributes)
      if (attribute.value.includes("url("))
        attribute.value = attribute.value.replace(/url\(['"]?[^#)]*#([^)'"]+)['"]?\)/g, "url(#$1)");
}
