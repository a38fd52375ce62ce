import { encodePng } from "./png.js";

interface PixelBlock {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** The part of a 2-D canvas that Plotly's heatmaps draw with: filled rectangles and blocks of pixels. */
export class PixelCanvas {
  fillStyle = "#000";
  #pixels = new Uint8ClampedArray(0);

  constructor(readonly canvas: { width: number; height: number }) {}

  createImageData(width: number, height: number): PixelBlock {
    return { width, height, data: new Uint8ClampedArray(width * height * 4) };
  }

  putImageData({ width, height, data }: PixelBlock, left: number, top: number): void {
    const pixels = this.#current();
    for (let y = 0; y < height; y++)
      pixels.set(
        data.subarray(y * width * 4, (y + 1) * width * 4),
        ((y + top) * this.canvas.width + left) * 4,
      );
  }

  fillRect(left: number, top: number, width: number, height: number): void {
    const pixels = this.#current();
    const colour = parseColour(this.fillStyle);
    const [right, bottom] = [
      Math.min(this.canvas.width, left + width),
      Math.min(this.canvas.height, top + height),
    ];
    for (let y = Math.max(0, Math.round(top)); y < Math.round(bottom); y++)
      for (let x = Math.max(0, Math.round(left)); x < Math.round(right); x++)
        pixels.set(colour, (y * this.canvas.width + x) * 4);
  }

  toDataURL(): string {
    const { width, height } = this.canvas;
    return `data:image/png;base64,${encodePng(width, height, this.#current()).toString("base64")}`;
  }

  #current(): Uint8ClampedArray {
    const length = this.canvas.width * this.canvas.height * 4;
    if (this.#pixels.length !== length) this.#pixels = new Uint8ClampedArray(length);
    return this.#pixels;
  }
}

function parseColour(style: string): [number, number, number, number] {
  const [r = 0, g = 0, b = 0, alpha = 1] = style.startsWith("#")
    ? (style.slice(1).match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
    : (style.match(/[\d.]+/g) ?? []).map(Number);
  return [r, g, b, Math.round(alpha * 255)];
}
