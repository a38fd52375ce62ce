import * as aq from "arquero";
import { tf, useBackend } from "posttrain/backend";
import { lossCurve } from "posttrain/figures";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { PLOTLY, toBundle, withPicture } from "../../kernel-extensions/display/bundle.js";

const DISPLAY = Symbol.for("Jupyter.display");
const plain = async (value: unknown) => (await toBundle(value))["text/plain"];
const html = async (value: unknown) => String((await toBundle(value))["text/html"]);

beforeAll(() => useBackend("cpu"));

describe("toBundle", () => {
  it("lets a value with a display method speak for itself, and adds text", async () => {
    expect(await toBundle({ [DISPLAY]: () => ({ "text/markdown": "**x**" }), a: 1 })).toMatchObject({
      "text/markdown": "**x**",
      "text/plain": expect.stringContaining("a: 1"),
    });
  });
  it("waits for an asynchronous display method", async () =>
    expect(await toBundle({ [DISPLAY]: async () => ({ "text/plain": "late" }) })).toEqual({
      "text/plain": "late",
    }));
  it("hands on the error of a display method", () =>
    expect(
      toBundle({
        [DISPLAY]: () => {
          throw new Error("broken");
        },
      }),
    ).rejects.toThrow("broken"));
  it.each([
    ["undefined", undefined, "undefined"],
    ["a string", "hello", "'hello'"],
    ["a map", new Map([["a", 1]]), "Map(1) { 'a' => 1 }"],
    ["an array of objects", [{ x: 1 }, { x: "好" }], "[ { x: 1 }, { x: '好' } ]"],
  ])("writes %s as Node would, without colours", async (_, value, text) =>
    expect(await toBundle(value)).toEqual({ "text/plain": text }));
});

describe("a tensor", () => {
  it("shows shape, type, statistics and values", async () => {
    const text = await plain(
      tf.tensor2d([
        [0.1, -1.2, 2],
        [3, 4, 5.5],
      ]),
    );
    expect(text).toBe(
      "float32 [2, 3]   min -1.200   mean 2.233   max 5.500   std 2.265\n[[ 0.100, -1.200,  2.000],\n [ 3.000,  4.000,  5.500]]",
    );
  });
  it("shows a scalar with the digits that float32 has", async () =>
    expect(await plain(tf.scalar(0.1))).toBe("float32 scalar\n0.1"));
  it("abbreviates what is large, keeping both ends of every axis", async () => {
    const text = String(await plain(tf.range(0, 1000).reshape([10, 100])));
    expect(text.split("\n")).toHaveLength(1 + 7);
    expect(text).toContain("[  0,   1,   2, …,  97,  98,  99]");
    expect(text).toContain("999");
  });
  it("counts what is not finite instead of averaging it", async () =>
    expect(await plain(tf.tensor1d([1, 3, Number.NaN]))).toMatch(/mean 2 .* not finite 1/));
  it("shows booleans, text and integers as what they are", async () => {
    expect(await plain(tf.tensor1d([true, false], "bool"))).toBe("bool [2]   true 1 of 2\n[true, false]");
    expect(await plain(tf.tensor1d(["a", "好"], "string"))).toBe('string [2]\n["a", "好"]');
    expect(await plain(tf.tensor1d([1, 2], "int32"))).toMatch(/int32 \[2\].*\n\[1, 2\]$/s);
  });
  it("shows an empty tensor", async () => expect(await plain(tf.zeros([0, 3]))).toBe("float32 [0, 3]\n[]"));
  it("brings a strip of colours as a PNG", async () => {
    const [, png = ""] =
      /src="data:image\/png;base64,([^"]+)"/.exec(await html(tf.range(0, 300).reshape([3, 100]))) ?? [];
    expect(Buffer.from(png, "base64").subarray(1, 4).toString()).toBe("PNG");
  });
  it("is read at once, so that it may be disposed right after", async () => {
    const tensor = tf.ones([2]);
    const bundle = toBundle(tensor);
    tensor.dispose();
    expect((await bundle)["text/plain"]).toContain("[1, 1]");
    expect(await plain(tensor)).toBe("float32 [2] (disposed)");
  });
  it("reads as its numbers inside an object", async () =>
    expect(
      await plain({ loss: tf.scalar(0.6625), margins: tf.tensor1d([0.8, -1.2]), big: tf.zeros([3, 9]) }),
    ).toBe(
      "{\n  loss: Tensor(0.6625),\n  margins: Tensor(float32 [2]: [0.800, -1.200]),\n  big: Tensor(float32 [3, 9])\n}",
    ));
  it("makes no tensor", async () => {
    const tensor = tf.ones([4, 4]);
    const before = tf.memory().numTensors;
    await toBundle(tensor);
    await toBundle({ tensor });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("a table", () => {
  const table = aq.table({ step: [1, 20], loss: [2.31234, 0.5], note: ["初始", "done <b>"] });

  it("is aligned as text, Chinese characters two columns wide", async () =>
    expect(await plain(table)).toBe(
      ["step   loss  note", "   1  2.312  初始", "  20  0.500  done <b>"].join("\n"),
    ));
  it("is HTML with numbers to the right and markup made harmless", async () => {
    expect(await html(table)).toContain('<td style="text-align: right">2.312</td>');
    expect(await html(table)).toContain("done &lt;b&gt;");
  });
  it("shows the first 20 rows of a long one and says how many there are", async () => {
    const long = aq.table({ x: Array.from({ length: 50 }, (_, i) => i) });
    expect(await plain(long)).toMatch(/\n19\n… 20 of 50 rows$/);
  });
  it("respects filter and order", async () => {
    const some = table.filter(aq.escape((row: { step: number }) => row.step > 1));
    expect(await plain(some)).toBe("step    loss  note\n  20  0.5000  done <b>");
  });
  it("leaves what is missing empty, and shows a table without rows", async () => {
    expect(await plain(aq.table({ a: [1, null], b: ["x", undefined] }))).toBe("a  b\n1  x\n");
    expect(await plain(aq.table({ a: [] }))).toBe("a\nno rows");
  });
});

describe("HTML for untrusted notebooks", () => {
  // What JupyterLab 4's sanitizer keeps, of the tags and attributes that matter here.
  const kept =
    /^(table|thead|tbody|tr|th|td|p|b|small|pre|img)( (style="text-align: (left|right)"|alt="[^"<>]*"|src="data:image\/png;base64,[A-Za-z0-9+/=]+"))*$/;

  it.each([
    ["a table", () => aq.table({ a: ["<script>alert(1)</script>"], '"><img onerror=x>': [1] })],
    ["a tensor", () => tf.tensor1d(["<script>"]).concat(tf.tensor1d(["b"]))],
    ["a numeric tensor", () => tf.range(0, 200)],
  ])("uses only tags and attributes that the sanitizer of JupyterLab keeps: %s", async (_, value) => {
    const markup = String((await toBundle(value()))["text/html"] ?? "");
    for (const [, tag = ""] of markup.matchAll(/<([^/][^>]*)>/g)) expect(tag).toMatch(kept);
  });
});

describe("a figure", () => {
  const run = aq.table({ step: [1, 2], loss: [2, 1] });

  it("is completed with a PNG", async () => {
    const bundle = await toBundle(lossCurve(run));
    expect(Object.keys(bundle).sort()).toEqual([PLOTLY, "image/png", "text/plain"].sort());
    expect(Buffer.from(String(bundle["image/png"]), "base64").subarray(1, 4).toString()).toBe("PNG");
  });
  it("can come without a picture, which is added later from what it was then", async () => {
    const data = [{ type: "scatter", y: new Float32Array([1, 2]) }];
    const figure = { [DISPLAY]: () => ({ [PLOTLY]: { data, layout: {} } }) };
    const first = await toBundle(figure, { picture: false });
    expect(first).not.toHaveProperty("image/png");
    data.pop();
    expect(first[PLOTLY]).toEqual({ data: [{ type: "scatter", y: [1, 2] }], layout: {} });
    expect(await withPicture(first)).toHaveProperty("image/png");
  });
  it("that cannot be drawn stays interactive, with a word about it said once", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const broken = { [PLOTLY]: { data: 1n }, "text/plain": "t" };
    expect([await withPicture(broken), await withPicture(broken)]).toEqual([broken, broken]);
    expect(warn.mock.calls).toEqual([[expect.stringContaining("no static picture")]]);
    warn.mockRestore();
  });
  it("keeps the picture that it brings itself", async () => {
    const own = { [PLOTLY]: { data: [], layout: {} }, "image/png": "own", "text/plain": "t" };
    expect(await toBundle({ [DISPLAY]: () => own })).toEqual(own);
  });
});
