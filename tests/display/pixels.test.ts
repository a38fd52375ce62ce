import { inflateSync } from "node:zlib";
import { JSDOM } from "jsdom";
import { describe, expect, it } from "vitest";
import { PixelCanvas } from "../../kernel-extensions/display/canvas.js";
import { heatScale, shrink } from "../../kernel-extensions/display/heat.js";
import { encodePng } from "../../kernel-extensions/display/png.js";
import { boxOf, moved } from "../../kernel-extensions/display/svg-geometry.js";

describe("encodePng", () => {
  it("writes a file that holds the pixels", () => {
    const pixels = Uint8Array.from([255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 1, 2, 3, 4]);
    const png = encodePng(2, 2, pixels);
    const start = png.indexOf("IDAT") + 4;
    const rows = inflateSync(png.subarray(start, start + png.readUInt32BE(start - 8)));
    expect([...rows]).toEqual([0, ...pixels.subarray(0, 8), 0, ...pixels.subarray(8)]);
  });
});

describe("heatScale", () => {
  it("is white at zero when both signs occur", () => expect(heatScale(-1, 3)(0)).toEqual([247, 247, 247]));
  it("runs from light to dark for values of one sign", () => {
    const scale = heatScale(2, 4);
    expect(scale(2)[0]).toBeGreaterThan(scale(4)[0]);
  });
  it("gives equal values one colour, and what is not finite black", () => {
    expect(heatScale(5, 5)(5)).toEqual(heatScale(5, 5)(5));
    expect(heatScale(0, 1)(Number.NaN)).toEqual([0, 0, 0]);
  });
});

describe("shrink", () => {
  it("averages blocks", () =>
    expect([...shrink([1, 3, 5, 7, 2, 4, 6, 8], [2, 4], [1, 2]).values]).toEqual([2.5, 6.5]));
  it("leaves a small matrix as it is", () =>
    expect([...shrink([1, 2, 3, 4], [2, 2], [16, 96]).values]).toEqual([1, 2, 3, 4]));
});

describe("PixelCanvas", () => {
  it("fills rectangles and clips them to the canvas", () => {
    const canvas = new PixelCanvas({ width: 2, height: 1 });
    canvas.fillStyle = "rgba(10, 20, 30, 0.5)";
    canvas.fillRect(1, 0, 5, 5);
    const image = Buffer.from(canvas.toDataURL().split(",")[1] ?? "", "base64");
    const start = image.indexOf("IDAT") + 4;
    expect([...inflateSync(image.subarray(start, start + image.readUInt32BE(start - 8)))]).toEqual([
      0, 0, 0, 0, 0, 10, 20, 30, 128,
    ]);
  });
});

describe("the box of an SVG element", () => {
  const svg = (markup: string) =>
    new JSDOM(`<svg xmlns="http://www.w3.org/2000/svg">${markup}</svg>`).window.document.querySelector(
      "svg > *",
    ) as Element;

  it("grows with the lines of a text", () => {
    const one = boxOf(svg('<text x="0" y="0" style="font-size: 10px">abc</text>'));
    const two = boxOf(
      svg(
        '<text x="0" y="0" style="font-size: 10px"><tspan class="line">abc</tspan><tspan class="line">a</tspan></text>',
      ),
    );
    expect(two?.right).toBeCloseTo(one?.right ?? 0);
    expect((two?.bottom ?? 0) - (one?.bottom ?? 0)).toBeCloseTo(13);
  });
  it("ends where a text ends that is anchored there", () =>
    expect(
      boxOf(svg('<text x="50" y="0" text-anchor="end" style="font-size: 10px">abc</text>'))?.right,
    ).toBeCloseTo(50));
  it("spans the children of a group, moved and turned", () => {
    const box = boxOf(
      svg(
        '<g><rect x="0" y="0" width="10" height="2"/><g transform="translate(5,5)"><rect width="1" height="1"/></g></g>',
      ),
    );
    expect(box).toEqual({ left: 0, top: 0, right: 10, bottom: 6 });
    const turned = moved({ left: 0, top: 0, right: 10, bottom: 2 }, "translate(1,0)rotate(90)");
    expect([turned?.left, turned?.top, turned?.right, turned?.bottom].map((n) => Math.round(n ?? 0))).toEqual(
      [-1, 0, 1, 10],
    );
  });
});
