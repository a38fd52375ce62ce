import { measure } from "./fonts.js";

/** An axis-parallel rectangle in pixels. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const LINE_HEIGHT = 1.3; // Plotly's distance between the lines of a text, in font sizes
const [ASCENT, DESCENT] = [0.97, 0.24]; // of Inter, in font sizes

/** The box around an SVG element and its children, as a browser's layout would give it. */
export function boxOf(element: Element): Box | undefined {
  switch (element.tagName) {
    case "text":
      return textBox(element);
    case "rect":
    case "image": {
      const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => numberOf(element, name));
      return { left: x ?? 0, top: y ?? 0, right: (x ?? 0) + (width ?? 0), bottom: (y ?? 0) + (height ?? 0) };
    }
    case "g":
    case "svg":
      return union(
        [...element.children].map((child) => moved(boxOf(child), child.getAttribute("transform"))),
      );
    default:
      return undefined; // the size of lines and markers never decides the layout
  }
}

function textBox(text: Element): Box {
  const lines = [...text.querySelectorAll("tspan.line")];
  const contents = lines.length > 0 ? lines : [text];
  const size = fontSize(text);
  const widths = contents.map((line) => lineWidth(line));
  const width = Math.max(0, ...widths);
  const anchor = text.getAttribute("text-anchor") ?? styleOf(text, "text-anchor") ?? "start";
  const left = numberOf(text, "x") - (anchor === "end" ? width : anchor === "middle" ? width / 2 : 0);
  const top = numberOf(text, "y") - ASCENT * size;
  const height = (ASCENT + DESCENT + (contents.length - 1) * LINE_HEIGHT) * size;
  return width === 0
    ? { left, top, right: left, bottom: top }
    : { left, top, right: left + width, bottom: top + height };
}

/** Width of a line whose parts may have their own size and weight. */
export function lineWidth(node: Element): number {
  let width = 0;
  for (const child of node.childNodes) {
    if (child.nodeType === 3) width += runWidth(child.textContent ?? "", node);
    else if (child.nodeType === 1) width += lineWidth(child as Element);
  }
  return width;
}

/** Width in pixels of text that stands directly in `parent`. */
export function runWidth(text: string, parent: Element): number {
  return measure(text, isBold(parent)) * fontSize(parent);
}

function fontSize(element: Element | null): number {
  if (!element) return 12;
  const own = element.getAttribute("font-size") ?? styleOf(element, "font-size");
  const number = Number.parseFloat(own ?? "");
  if (!Number.isFinite(number)) return fontSize(element.parentElement);
  if (/em$/.test(own ?? "")) return number * fontSize(element.parentElement);
  if (/%$/.test(own ?? "")) return (number / 100) * fontSize(element.parentElement);
  return number;
}

function isBold(element: Element | null): boolean {
  if (!element) return false;
  const own = element.getAttribute("font-weight") ?? styleOf(element, "font-weight");
  return own ? own === "bold" || Number(own) >= 600 : isBold(element.parentElement);
}

export const numberOf = (element: Element, name: string): number =>
  Number.parseFloat(element.getAttribute(name) ?? "0") || 0;

export const styleOf = (element: Element, name: string): string | undefined =>
  new RegExp(`(?:^|;)\\s*${name}\\s*:\\s*([^;]+)`).exec(element.getAttribute("style") ?? "")?.[1]?.trim();

function union(boxes: (Box | undefined)[]): Box | undefined {
  const present = boxes.filter((box): box is Box => box !== undefined && box.right > box.left);
  if (present.length === 0) return undefined;
  return {
    left: Math.min(...present.map((box) => box.left)),
    top: Math.min(...present.map((box) => box.top)),
    right: Math.max(...present.map((box) => box.right)),
    bottom: Math.max(...present.map((box) => box.bottom)),
  };
}

/** The box around `box` after an SVG `transform` made of translations and rotations. */
export function moved(box: Box | undefined, transform: string | null): Box | undefined {
  if (!box || !transform) return box;
  let corners = [
    [box.left, box.top],
    [box.right, box.top],
    [box.right, box.bottom],
    [box.left, box.bottom],
  ] as [number, number][];
  const steps = [...transform.matchAll(/(translate|rotate|scale)\(([^)]*)\)/g)].reverse();
  for (const [, kind, list] of steps) {
    const [a = 0, b, c] = (list ?? "").split(/[\s,]+/).map(Number);
    if (kind === "translate") corners = corners.map(([x, y]) => [x + a, y + (b ?? 0)]);
    else if (kind === "scale") corners = corners.map(([x, y]) => [x * a, y * (b ?? a)]);
    else corners = corners.map((corner) => rotated(corner, (a * Math.PI) / 180, [b ?? 0, c ?? 0]));
  }
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

function rotated([x, y]: [number, number], angle: number, [cx, cy]: [number, number]): [number, number] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos];
}
