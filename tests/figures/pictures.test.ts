import { JSDOM } from "jsdom";
import { describe, expect, it } from "vitest";
import { figureToSvg } from "../../kernel-extensions/display/static-plot.js";
import { type Box, boxOf, moved } from "../../kernel-extensions/display/svg-geometry.js";
import { examples } from "./examples.js";

interface Written {
  text: string;
  box: Box;
  /** Turned by something else than a right angle: its box is larger than itself. */
  slanted: boolean;
}

/** Every text of a picture with the box it takes on the page. */
function textsIn(svg: string): Written[] {
  const { document } = new JSDOM(svg, { contentType: "image/svg+xml" }).window;
  return [...document.querySelectorAll("text")].flatMap((element) => {
    let box = moved(boxOf(element), element.getAttribute("transform"));
    for (let parent = element.parentElement; parent; parent = parent.parentElement)
      box = moved(box, parent.getAttribute("transform"));
    const text = element.textContent?.trim() ?? "";
    const angle = Number(/rotate\((-?[\d.]+)/.exec(element.getAttribute("transform") ?? "")?.[1] ?? 0);
    return box && text ? [{ text, box, slanted: angle % 90 !== 0 }] : [];
  });
}

const overlap = (a: Box, b: Box): number =>
  Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
  Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5
    ? Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
    : 0;

describe.each(Object.entries(examples))("the picture of %s", (_, figure) => {
  it("has all its text inside, and no two texts on each other", async () => {
    const { width, height } = figure.layout;
    const texts = textsIn(await figureToSvg(figure));
    expect(texts.length).toBeGreaterThan(2);
    const outside = texts.filter(
      ({ box }) => box.left < -1 || box.top < -1 || box.right > width + 1 || box.bottom > height + 1,
    );
    expect(outside.map(({ text }) => text)).toEqual([]);
    const upright = texts.filter(({ slanted }) => !slanted);
    const pairs = upright.flatMap((one, i) =>
      upright
        .slice(i + 1)
        .filter((other) => overlap(one.box, other.box) > 0)
        .map((other) => `${one.text} | ${other.text}`),
    );
    expect(pairs).toEqual([]);
  });
});
