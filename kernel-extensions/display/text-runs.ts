import { CHINESE } from "./fonts.js";
import { lineWidth, numberOf, runWidth, styleOf } from "./svg-geometry.js";

const CJK = /[\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef]+/;

/**
 * Gives every Chinese part of a text its own font and place. resvg chooses one fallback font for a whole piece of
 * text that starts at a position of its own, so that a single Chinese character would change the look of the
 * Latin words beside it, and lose their weight.
 */
export function separateScripts(svg: Document): void {
  for (const text of svg.querySelectorAll("text")) {
    if (!CJK.test(text.textContent ?? "")) continue;
    const lines = [...text.querySelectorAll("tspan.line")];
    for (const line of lines.length > 0 ? lines : [text]) placeRuns(svg, text, line);
  }
}

function placeRuns(svg: Document, text: Element, line: Element): void {
  const anchor = text.getAttribute("text-anchor") ?? styleOf(text, "text-anchor") ?? "start";
  const width = lineWidth(line);
  const at = numberOf(line.hasAttribute("x") ? line : text, "x");
  let x = at - (anchor === "end" ? width : anchor === "middle" ? width / 2 : 0);
  for (const leaf of textNodes(line)) {
    const parent = leaf.parentElement;
    if (!parent) continue;
    for (const run of leaf.data.split(new RegExp(`(${CJK.source})`)).filter(Boolean)) {
      const placed = svg.createElementNS("http://www.w3.org/2000/svg", "tspan");
      placed.textContent = run;
      placed.setAttribute("x", x.toFixed(2));
      placed.setAttribute(
        "style",
        `text-anchor: start;${CJK.test(run) ? ` font-family: '${CHINESE}';` : ""}`,
      );
      parent.insertBefore(placed, leaf);
      x += runWidth(run, parent);
    }
    leaf.remove();
  }
}

function* textNodes(node: Node): Generator<Text> {
  for (const child of [...node.childNodes])
    if (child.nodeType === 3) yield child as Text;
    else yield* textNodes(child);
}
