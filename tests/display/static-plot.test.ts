import { from, table } from "arquero";
import { lossCurve, matrixMap } from "posttrain/figures";
import { describe, expect, it } from "vitest";
import { covers, measure } from "../../kernel-extensions/display/fonts.js";
import { plotWindow } from "../../kernel-extensions/display/plot-window.js";
import { figureToPng, figureToSvg } from "../../kernel-extensions/display/static-plot.js";

const line = (title: string) => lossCurve(table({ step: [1, 2, 3], loss: [3, 2, 1.5] })).title(title);
/** How many elements the window holds, counted by a function of the window's own. */
const elements = (): number => {
  const anObject = plotWindow().adopt("{}") as { constructor: { constructor: FunctionConstructor } };
  return anObject.constructor.constructor("return document.querySelectorAll('*').length")();
};
const size = (png: Uint8Array) => [Buffer.from(png).readUInt32BE(16), Buffer.from(png).readUInt32BE(20)];

describe("figureToPng", () => {
  it("draws at twice the size of the figure", async () => {
    const figure = line("x");
    expect(size(await figureToPng(figure))).toEqual([2 * figure.layout.width, 2 * figure.layout.height]);
  });
  it("gives 700 × 450 pixels to a figure without a size", async () =>
    expect(size(await figureToPng({ data: [{ y: [1, 2] }], layout: {} }))).toEqual([1400, 900]));
  it("draws Chinese characters, each its own", async () => {
    const [a, b] = [await figureToPng(line("损失")), await figureToPng(line("奖励"))];
    expect(Buffer.compare(a, b)).not.toBe(0); // boxes for missing glyphs would be equal
  });
  it("draws the same picture every time", async () =>
    expect(Buffer.compare(await figureToPng(line("训练 loss")), await figureToPng(line("训练 loss")))).toBe(
      0,
    ));
  it("draws several figures that are asked for at once", async () => {
    const pictures = await Promise.all(["a", "b", "c"].map((title) => figureToPng(line(title))));
    expect(new Set(pictures.map((png) => Buffer.from(png).toString("base64"))).size).toBe(3);
  });
  it("goes on after a figure that cannot be drawn", async () => {
    await expect(figureToPng({ data: 1n, layout: {} })).rejects.toThrow();
    await expect(figureToPng(line("next"))).resolves.toBeInstanceOf(Uint8Array);
  });
});

describe("figureToSvg", () => {
  it("names clip paths as resvg reads them", async () => {
    const svg = await figureToSvg(line("x"));
    expect(/url\(#/.test(svg)).toBe(true);
    expect(/url\((&quot;|'|")/.test(svg)).toBe(false);
  });
  it("sets Latin and Chinese parts of a text in fonts of their own, one after the other", async () => {
    const svg = await figureToSvg(line("Loss 损失 falls"));
    const runs = [...svg.matchAll(/<tspan x="([\d.]+)" style="([^"]*)">([^<]+)</g)];
    expect(runs.map(([, , , text]) => text)).toEqual(["Loss ", "损失", " falls"]);
    expect(runs[1]?.[2]).toContain("Noto Sans");
    const xs = runs.map(([, x]) => Number(x));
    expect(xs[1]).toBeCloseTo((xs[0] ?? 0) + measure("Loss ", true) * 17, 1);
    expect(xs[2]).toBeCloseTo((xs[1] ?? 0) + 2 * 17, 0);
  });
  it("paints a heatmap as sharp squares", async () => {
    const cells = from([0, 1, 2, 3].map((i) => ({ row: i >> 1, column: i & 1, value: i })));
    const svg = await figureToSvg(matrixMap(cells, { values: false }));
    expect(/<image[^>]*style="[^"]*image-rendering: optimizeSpeed/.test(svg)).toBe(true);
  });
  it("leaves nothing behind in its window", async () => {
    await figureToSvg(line("first"));
    const before = elements();
    for (let i = 0; i < 5; i++) await figureToSvg(line(`figure ${i}`));
    expect(elements()).toBe(before);
  });
});

describe("plotWindow", () => {
  it("is kept from figure to figure, and replaced before it has grown large", async () => {
    const first = plotWindow();
    expect(plotWindow()).toBe(first);
    for (let figure = 0; figure < 50; figure++) plotWindow();
    expect(plotWindow()).not.toBe(first);
    expect(await figureToSvg(line("in the new window"))).toContain("in the new window");
  });
});

describe("measure", () => {
  it("knows the widths of both fonts", () => {
    expect(measure("损失")).toBeCloseTo(2, 5); // Chinese characters are as wide as they are high
    expect(measure("i")).toBeLessThan(measure("m"));
    expect(measure("Loss", true)).toBeGreaterThan(measure("Loss"));
  });
  it("says what our fonts cannot draw", () => {
    expect(covers("∇θ π ≤ β₀ → ↵ · Ġ 训练，。")).toBe(true);
    expect(covers("🙂")).toBe(false);
  });
});
