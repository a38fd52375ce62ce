import { Figure, type Layout, PALETTE, type Trace } from "posttrain/figures";
import type { CaseResult, SideResult } from "./report.js";

const SIDES = ["compiled", "eager", "wasm"];
const TIME_TICKS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
const MEMORY_TICKS = [0.2, 0.3, 0.4, 0.5, 0.7, 1, 1.5, 2, 3];
const INK = "#333333";

/**
 * Every side's time and peak memory over PyTorch's, a line a case. The bars through the dots of the time reach as
 * far as the middle half of the rounds.
 */
export function ratiosFigure(cases: readonly CaseResult[]): Figure {
  const traces = SIDES.flatMap((name, i) => [
    dots(cases, name, i, "x", ({ ratio }) => ratio.median),
    dots(cases, name, i, "x2", ({ memoryRatio }) => memoryRatio),
  ]).filter((trace) => (trace.x as number[]).length > 0);
  return new Figure(traces, layoutFor(cases)).title(finding(cases));
}

function dots(
  cases: readonly CaseResult[],
  name: string,
  index: number,
  xaxis: "x" | "x2",
  ratioOf: (side: SideResult) => number,
): Trace {
  const measured = cases.flatMap(({ title, sides }) =>
    sides.filter((side) => side.name === name).map((side) => ({ title, side })),
  );
  const ranges = {
    type: "data",
    array: measured.map(({ side: { ratio } }) => ratio.high - ratio.median),
    arrayminus: measured.map(({ side: { ratio } }) => ratio.median - ratio.low),
  };
  return {
    ...{ type: "scatter", mode: "markers", name, xaxis, showlegend: xaxis === "x" },
    x: measured.map(({ side }) => ratioOf(side)),
    y: measured.map(({ title }) => title),
    ...(xaxis === "x" && { error_x: { ...ranges, thickness: 2, width: 0 } }),
    marker: { size: 11, color: PALETTE[index], symbol: ["circle", "diamond", "square"][index] },
  };
}

function layoutFor(cases: readonly CaseResult[]): Layout {
  const axis = (title: string, domain: [number, number], tickvals: number[]) => ({
    ...{
      title: { text: title },
      domain,
      type: "log",
      tickvals,
      gridcolor: "#e5e5e5",
      zeroline: false,
      automargin: false,
    },
  });
  const line = (xref: string) => ({
    ...{ type: "line", xref, x0: 1, x1: 1, yref: "paper", y0: 0, y1: 1 },
    line: { color: INK, width: 1.5, dash: "dash" },
  });
  return {
    ...{ width: 900, height: 110 + 34 * cases.length, margin: { l: 270, r: 24, t: 16, b: 56 } },
    ...{ paper_bgcolor: "white", plot_bgcolor: "white", font: { family: "Inter, sans-serif", color: INK } },
    xaxis: axis("time / PyTorch's", [0, 0.56], TIME_TICKS),
    xaxis2: axis("peak memory / PyTorch's", [0.62, 1], MEMORY_TICKS),
    yaxis: {
      ...{ type: "category", autorange: "reversed", gridcolor: "#e5e5e5", automargin: false },
      ...{ categoryorder: "array", categoryarray: cases.map(({ title }) => title) },
    },
    shapes: [line("x"), line("x2")],
  };
}

/** What the picture shows, in words. Only cases with a target and without doubts count. */
export function finding(cases: readonly CaseResult[]): string {
  const trusted = cases.filter(({ doubts }) => doubts.length === 0);
  const compiled = trusted.flatMap(({ sides }) =>
    sides.filter(({ name, target }) => name === "compiled" && target !== undefined),
  );
  if (compiled.length === 0) return "Ratios on a machine too busy to compare";
  const won = compiled.filter(({ ratio }) => ratio.median <= 1).length;
  return `Compiled, ours takes no longer than PyTorch in ${won} of ${compiled.length} cases`;
}
