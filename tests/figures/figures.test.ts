import { from, table } from "arquero";
import {
  amplificationBars,
  attentionMap,
  comparisonBars,
  type Figure,
  FigureError,
  gradientBars,
  histogram,
  intrinsicDimensionCurve,
  intruderCurve,
  intruderMap,
  layerMap,
  lineChart,
  lossByRank,
  lossCurve,
  maskStrip,
  matrixMap,
  nextTokenBars,
  packingMap,
  relativeBars,
  scheduleCurve,
  similarityMaps,
  singularValueCurves,
  smooth,
  tokenScatter,
  tokenStrip,
  trainingDashboard,
} from "posttrain/figures";
import { describe, expect, it } from "vitest";
import { attention, examples, run } from "./examples.js";

/** Every axis of a figure by its name in the layout. */
const axesOf = ({ layout }: Figure) =>
  Object.entries(layout).filter(([name]) => /^[xy]axis\d*$/.test(name)) as [
    string,
    { title: { text: string } },
  ][];

describe.each(Object.entries(examples))("%s", (_, figure) => {
  it("is plain JSON without NaN or holes", () => {
    const json = figure.toJSON();
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
  });
  it("has traces on axes that exist", () => {
    const axes = axesOf(figure).map(([axis]) => axis.replace("axis", ""));
    for (const { xaxis = "x", yaxis = "y" } of figure.data)
      expect(axes).toEqual(expect.arrayContaining([xaxis, yaxis]));
  });
});

const withAxes = Object.entries(examples).filter(([name]) => !name.includes("strip")); // text has none

it.each(withAxes)("%s names its axes", (_, figure) => {
  const titles = axesOf(figure).map(([, { title }]) => title.text);
  expect(titles.filter(Boolean).length).toBeGreaterThanOrEqual(2);
});

describe("every figure", () => {
  const empty = table({});
  const other = table({ unrelated: [1] });
  const makers: [string, (rows: typeof empty) => Figure, string[]][] = [
    ["amplificationBars", amplificationBars, ["path", "amplification", "projected_norm"]],
    ["attentionMap", attentionMap, ["query_position", "key_position", "query", "key", "weight"]],
    ["comparisonBars", comparisonBars, ["metric", "model", "value"]],
    ["gradientBars", gradientBars, ["name", "gradient"]],
    ["histogram", (rows) => histogram(rows, { column: "length" }), ["length"]],
    ["intrinsicDimensionCurve", intrinsicDimensionCurve, ["dimension", "recovered"]],
    ["intruderCurve", intruderCurve, ["path", "similarity"]],
    ["intruderMap", intruderMap, ["tuned", "pretrained", "similarity"]],
    ["layerMap", (rows) => layerMap(rows, { value: "rank" }), ["layer", "module", "rank"]],
    ["lineChart", (rows) => lineChart(rows, { x: "a", y: "b", by: "c" }), ["a", "b", "c"]],
    ["lossByRank", lossByRank, ["rank", "loss"]],
    ["lossCurve", lossCurve, ["step", "loss"]],
    ["maskStrip", maskStrip, ["token", "trained"]],
    ["matrixMap", matrixMap, ["row", "column", "value"]],
    ["nextTokenBars", nextTokenBars, ["token", "probability"]],
    ["packingMap", packingMap, ["row", "start", "end", "example"]],
    ["relativeBars", relativeBars, ["metric", "model", "value"]],
    ["scheduleCurve", scheduleCurve, ["step", "learning_rate"]],
    ["similarityMaps", similarityMaps, ["i", "j", "similarity", "random"]],
    ["singularValueCurves", singularValueCurves, ["path", "module", "layer", "index", "singular_value"]],
    ["tokenScatter", tokenScatter, ["token", "x", "y"]],
    ["tokenStrip", tokenStrip, ["token", "value"]],
    ["trainingDashboard", trainingDashboard, ["step", "loss"]],
  ];
  it.each(makers)("%s of an empty table is an empty figure, so that a live chart can begin", (_, make) => {
    const { data, layout } = make(empty);
    expect(JSON.parse(JSON.stringify({ data, layout }))).toEqual({ data, layout });
    expect(layout.height).toBeGreaterThan(0);
  });
  it.each(makers)("%s names the columns that are missing and those that are there", (name, make, columns) => {
    const missing = () => make(other);
    expect(missing).toThrow(FigureError);
    for (const column of [name, ...columns, "unrelated"]) expect(missing).toThrow(column);
  });
  it("says which row holds something that is not a number", () =>
    expect(() => lossCurve(table({ step: [1, 2], loss: [1, "two"] }))).toThrow(/loss .* row 1 holds "two"/));
});

describe("figures about ranks", () => {
  const annotations = (figure: Figure) =>
    (figure.layout.annotations as { text: string }[]).map(({ text }) => text);

  it("marks on each curve the first dimension that recovers the share, and none where no dimension does", () => {
    const curve = (model: string, recovered: number[]) =>
      recovered.map((value, i) => ({ model, dimension: 10 ** (i + 1), recovered: value }));
    const curves = from([...curve("one", [0.2, 0.95, 0.99]), ...curve("two", [0.1, 0.2, 0.3])]);
    expect(annotations(intrinsicDimensionCurve(curves))).toEqual(["90 %", "d₉₀ = 100"]);
    expect(annotations(intrinsicDimensionCurve(curves, { share: 0.2 }))).toEqual([
      ...["20 %", "d₂₀ = 10", "d₂₀ = 100"],
    ]);
  });

  it("draws bars from 100 % to the share of the reference, and says both values", () => {
    const rows = table({
      metric: ["memory", "memory"],
      model: ["full", "LoRA"],
      value: [4, 1],
      unit: ["GB", "GB"],
    });
    const figure = relativeBars(rows);
    expect(figure.data).toMatchObject([{ name: "LoRA", base: 1, x: [-0.75] }]);
    expect(annotations(figure)).toEqual(["<b>25.0 %</b> (1 of 4 GB)"]);
  });

  it("writes a share of a few millionths as more than nothing", () => {
    const rows = table({ metric: ["switch", "switch"], model: ["full", "LoRA"], value: [2, 5e-5] });
    expect(annotations(relativeBars(rows))).toEqual([expect.stringContaining("<b>0.003 %</b>")]);
  });

  it("refuses a measure without a reference, and values that have no place on a logarithmic axis", () => {
    const rows = (value: number[], model = ["full", "LoRA"]) =>
      table({ metric: ["loss", "loss"], model, value });
    expect(() => relativeBars(rows([1, 2], ["a", "b"]))).toThrow(/no loss of "full"/);
    expect(() => relativeBars(rows([1, 0]))).toThrow(/"LoRA" is 0/);
    expect(() => relativeBars(rows([1, Number.NaN]))).toThrow(FigureError);
  });

  it("counts a singular vector as an intruder below ε and not at it, on average over the weights", () => {
    const [line] = intruderCurve(table({ path: ["a", "a", "b", "b"], similarity: [0.5, 0.9, 0.2, 1] })).data;
    const at = (threshold: number) => (line?.y as number[])[(line?.x as number[]).indexOf(threshold)];
    expect([0.2, 0.21, 0.5, 0.51, 1].map(at)).toEqual([0, 0.5, 0.5, 1, 1.5]);
  });

  it("leaves zero singular values out of a logarithmic axis", () => {
    const values = {
      path: ["p", "p"],
      module: ["q", "q"],
      layer: [0, 0],
      index: [1, 2],
      singular_value: [1, 0],
    };
    const [line] = singularValueCurves(table(values)).data;
    expect(line?.y).toEqual([1, null]);
  });

  it("keeps layer and module in place whatever the order of the rows, and leaves out what is in no layer", () => {
    const rows = table({ layer: [1, 0, null], module: ["q", "v", "lm_head"], rank: [3, 2, 9] });
    const [map] = layerMap(rows, { value: "rank" }).data;
    expect(map?.z).toEqual([
      [null, 2],
      [3, null],
    ]);
  });
});

describe("Figure", () => {
  const figure = lossCurve(table({ step: [1], loss: [2] }));

  it("gets a title without changing the figure it comes from", () => {
    expect(figure.title("A finding").layout.title).toMatchObject({ text: "A finding" });
    expect(figure.layout).not.toHaveProperty("title");
  });
  it("wraps a long title and grows by its lines, the plot keeping its size", () => {
    const long = figure.title("a finding that needs more words ".repeat(5));
    const [short, tall] = [figure.title("x").layout, long.layout];
    const lines = String((tall.title as { text: string }).text).split("<br>").length;
    expect(lines).toBeGreaterThan(1);
    expect(tall.height - short.height).toBe((lines - 1) * 22);
    expect(tall.height - tall.margin.t).toBe(short.height - short.margin.t);
  });
  it("breaks a Chinese title between characters, never before a full stop", () => {
    const { text } = figure.title("监督微调之后模型直接回答问题。".repeat(8)).layout.title as {
      text: string;
    };
    expect(text.split("<br>").length).toBeGreaterThan(2);
    expect(text).not.toContain("<br>。");
  });
  it("shows markup in a title as text", () =>
    expect(figure.title("p < 0.05 & <b>").layout.title).toMatchObject({
      text: "p &lt; 0.05 &amp; &lt;b&gt;",
    }));
  it("takes a size and other attributes", () => {
    expect(figure.size(400, 300).layout).toMatchObject({ width: 400, height: 300 });
    expect(figure.with({ hovermode: "x" }).layout).toMatchObject({ hovermode: "x" });
  });
  it("shows itself as Plotly and text, never as HTML, which an untrusted notebook would strip", () => {
    const display = (figure.title("T") as unknown as Record<symbol, () => object>)[
      Symbol.for("Jupyter.display")
    ];
    const bundle = display?.call(figure.title("T"));
    expect(Object.keys(bundle ?? {})).toEqual(["application/vnd.plotly.v1+json", "text/plain"]);
    expect(`${figure.title("T")}`).toBe("Figure: T");
  });
  it("has a legend only when there is something to tell apart", () => {
    expect(figure.layout.showlegend).toBe(false);
    expect(lossCurve(run(40)).layout.showlegend).toBe(true);
  });
});

describe("lossCurve", () => {
  it("draws the loss and, with markers, the held-out loss where it was measured", () => {
    const { data } = lossCurve(run(40));
    expect(data.map(({ name, mode }) => [name, mode])).toEqual([
      ["training", "lines"],
      ["held out", "lines+markers"],
    ]);
    expect(data[1]?.x).toEqual([20, 40]);
  });
  it("keeps the raw values behind the smoothed ones", () => {
    const { data } = lossCurve(table({ step: [1, 2], loss: [4, 2] }), { smoothing: 0.5 });
    expect(data[0]).toMatchObject({ y: [4, 2], showlegend: false });
    expect(data[1]?.y).toEqual(smooth([4, 2], 0.5));
  });
  it("gives every run a colour, shared by its two curves", () => {
    const { data } = lossCurve(run(40, "a").concat(run(40, "b")));
    const colours = data.map(({ line }) => (line as { color: string }).color);
    expect(colours[0]).toBe(colours[1]);
    expect(new Set(colours).size).toBe(2);
  });
  it("refuses a smoothing of 1", () => expect(() => lossCurve(run(2), { smoothing: 1 })).toThrow(/\[0, 1\)/));
});

describe("smooth", () => {
  it("leaves a constant series constant from the first value on", () => {
    for (const value of smooth([3, 3, 3], 0.9)) expect(value).toBeCloseTo(3, 12);
  });
  it("is the exponential moving average divided by the weight it has seen", () =>
    expect(smooth([1, 2], 0.5)).toEqual([1, (0.25 * 1 + 0.5 * 2) / 0.75]));
});

describe("trainingDashboard", () => {
  it("has a panel for each metric that the run has", () => {
    const titles = axesOf(trainingDashboard(run(40))).map(([, { title }]) => title.text);
    expect(titles.filter(Boolean).sort()).toEqual(
      [
        "gradient norm",
        "learning rate",
        "loss (nats per token)",
        "step",
        "step",
        "token accuracy (share)",
      ].sort(),
    );
  });
  it("shows the metrics asked for, with the held-out loss beside the loss", () => {
    const { data } = trainingDashboard(run(40), { metrics: ["loss"] });
    expect(data.map(({ name, yaxis }) => [name, yaxis])).toEqual([
      ["training", "y"],
      ["held out", "y"],
    ]);
  });
});

describe("attentionMap", () => {
  it("puts each weight into the row of its query and the column of its key, absent pairs empty", () => {
    const weights = from([
      { query_position: 0, key_position: 0, query: "a", key: "a", weight: 1 },
      { query_position: 1, key_position: 0, query: "b", key: "a", weight: 0.25 },
      { query_position: 1, key_position: 1, query: "b", key: "b", weight: 0.75 },
    ]);
    expect(attentionMap(weights).data[0]?.z).toEqual([
      [1, null],
      [0.25, 0.75],
    ]);
  });
  it("labels positions with their tokens, also when a token occurs twice", () => {
    const { xaxis } = attentionMap(attention(1)).layout as unknown as { xaxis: { ticktext: string[] } };
    expect(xaxis.ticktext).toEqual(["请", "介绍", "一下", "爱因", "斯坦", "的", "相对", "论", "。"]);
  });
  it("has a panel for each head and one colour bar", () => {
    const { data, layout } = attentionMap(attention(4));
    expect(data.map(({ xaxis }) => xaxis)).toEqual(["x", "x2", "x3", "x4"]);
    expect(data.filter(({ showscale }) => showscale)).toHaveLength(1);
    expect((layout.annotations as { text: string }[]).map(({ text }) => text)).toEqual([
      "head 0",
      "head 1",
      "head 2",
      "head 3",
    ]);
  });
});

describe("nextTokenBars", () => {
  it("shows the likeliest on top, as many as asked for, spaces and line ends visible", () => {
    const tokens = table({ token: ["b", " a", "\n", "<i>"], probability: [0.2, 0.5, 0.1, 0.05] });
    const { data, layout } = nextTokenBars(tokens, { top: 3 });
    expect(data[0]).toMatchObject({ x: [0.5, 0.2, 0.1], y: [0, 1, 2], text: ["50.0 %", "20.0 %", "10.0 %"] });
    expect(layout.yaxis).toMatchObject({ ticktext: ["·a", "b", "↵"], range: [2.5, -0.5] });
  });
  it("compares models on the same tokens", () => {
    const models = table({
      token: ["a", "b", "b"],
      probability: [0.9, 0.1, 0.7],
      model: ["base", "base", "SFT"],
    });
    expect(nextTokenBars(models).data.map(({ name, x }) => [name, x])).toEqual([
      ["base", [0.9, 0.1]],
      ["SFT", [null, 0.7]],
    ]);
  });
});

describe("comparisonBars", () => {
  const measured = table({
    metric: ["loss", "loss", "exact match"],
    model: ["base", "SFT", "SFT"],
    value: [4, 2, 0.5],
    count: [10, 10, 8],
  });

  it("gives each metric a panel and each model a bar with its value", () => {
    const { data } = comparisonBars(measured);
    expect(data.map(({ name, xaxis, y, text }) => [name, xaxis, y, text])).toEqual([
      ["base", "x", [4], ["4"]],
      ["SFT", "x", [2], ["2"]],
      ["base", "x2", [null], [""]],
      ["SFT", "x2", [0.5], ["0.5"]],
    ]);
  });
  it("says how many examples stand behind a bar", () =>
    expect(comparisonBars(measured).layout.xaxis).toMatchObject({
      ticktext: ["base<br>n = 10", "SFT<br>n = 10"],
    }));
  it("puts four panels two by two, with room for ticks, axis title and heading between the rows", () => {
    const four = table({ metric: ["a", "b", "c", "d"], model: "abcd".split(""), value: [1, 2, 3, 4] });
    const { layout } = comparisonBars(four);
    const domain = (axis: string) => (layout[axis] as { domain: [number, number] }).domain;
    expect(domain("xaxis3")).toEqual(domain("xaxis"));
    const plot = layout.height - layout.margin.t - layout.margin.b;
    expect((domain("yaxis")[0] - domain("yaxis3")[1]) * plot).toBeGreaterThan(90);
  });
});

describe("maskStrip", () => {
  it("colours what is trained on and says which colour that is", () => {
    const { data, layout } = maskStrip(table({ token: ["问", "答"], trained: [false, true] }));
    expect(layout.shapes).toMatchObject([
      { fillcolor: "rgb(220, 220, 220)" },
      { fillcolor: "rgb(0, 114, 178)" },
    ]);
    expect(data.map(({ name }) => name)).toEqual([undefined, "trained on", "only read"]);
  });
  it("breaks a long text into lines", () => {
    const tokens = Array.from({ length: 100 }, () => "token");
    const { shapes } = maskStrip(table({ token: tokens, trained: tokens.map(() => 1) }))
      .layout as unknown as { shapes: { x1: number; y0: number }[] };
    expect(Math.max(...shapes.map(({ x1 }) => x1))).toBeLessThanOrEqual(672);
    expect(new Set(shapes.map(({ y0 }) => y0)).size).toBeGreaterThan(5);
  });
});

describe("matrixMap", () => {
  const cells = (values: number[]) => from(values.map((value, i) => ({ row: i >> 1, column: i & 1, value })));

  it("is symmetric about zero when there are values of both signs", () =>
    expect(matrixMap(cells([-1, 0, 2, 3])).data[0]).toMatchObject({
      z: [
        [-1, 0],
        [2, 3],
      ],
      zmin: -3,
      zmax: 3,
    }));
  it("starts at zero when there are none below", () =>
    expect(matrixMap(cells([0, 1, 2, 3])).data[0]).toMatchObject({ zmin: 0, zmax: 3 }));
});

describe("packingMap", () => {
  it("puts the rows of one method below those of the other, blocks as long as their examples", () => {
    const blocks = from([
      { method: "padded", row: 0, start: 0, end: 5, example: 0 },
      { method: "padded", row: 1, start: 0, end: 3, example: 1 },
      { method: "packed", row: 0, start: 0, end: 5, example: 0 },
      { method: "packed", row: 0, start: 5, end: 8, example: 1 },
    ]);
    const { data, layout } = packingMap(blocks);
    expect(data[1]).toMatchObject({ base: [0, 5], x: [5, 3], y: [2, 2] });
    expect(layout.yaxis).toMatchObject({ ticktext: ["padded 0", "padded 1", "packed 0"] });
  });
});
