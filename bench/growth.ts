import { Figure, PALETTE, type Trace } from "posttrain/figures";
import type { CaseResult } from "./report.js";

const SIDES = [
  { name: "compiled", title: "ours, compiled", color: PALETTE[0], symbol: "circle" },
  { name: "PyTorch", title: "PyTorch", color: PALETTE[1], symbol: "square" },
] as const;
const INK = "#333333";
const GAP = 0.08;
const TIME_TICKS = [1, 2, 5].flatMap((digit) => [1, 10, 100, 1000, 10_000].map((power) => digit * power));

/** What grows, and the cases along it. */
interface Line {
  along: string;
  points: { value: number; result: CaseResult }[];
}

/** Time of a step against what grows, a panel each; nothing where no line has two points. */
export function growthFigure(cases: readonly CaseResult[]): Figure | undefined {
  const lines = linesOf(cases);
  if (lines.length === 0) return undefined;
  const traces = lines.flatMap(({ points }, panel) =>
    SIDES.map(({ name, title, color, symbol }): Trace => {
      const suffix = panel === 0 ? "" : String(panel + 1);
      return {
        ...{ type: "scatter", mode: "lines+markers", name: title, showlegend: panel === 0 },
        ...{
          xaxis: `x${suffix}`,
          yaxis: `y${suffix}`,
          line: { color, width: 2 },
          marker: { size: 9, color, symbol },
        },
        x: points.map(({ value }) => value),
        y: points.map(({ result }) => 1000 * median(result, name)),
      };
    }),
  );
  return new Figure(traces, layoutFor(lines)).title(finding(lines));
}

function linesOf(cases: readonly CaseResult[]): Line[] {
  const all = cases.flatMap((result) => (result.growth ?? []).map((growth) => ({ ...growth, result })));
  return [...new Set(all.map(({ along }) => along))]
    .map((along) => ({
      along,
      points: all.filter((point) => point.along === along).sort((a, b) => a.value - b.value),
    }))
    .filter(({ points }) => points.length > 1);
}

const median = ({ sides }: CaseResult, name: string): number =>
  sides.find((side) => side.name === name)?.seconds.median ?? Number.NaN;

function finding(lines: readonly Line[]): string {
  const results = [...new Set(lines.flatMap(({ points }) => points.map(({ result }) => result)))];
  const below = results.filter((result) => median(result, "compiled") <= median(result, "PyTorch"));
  return `A step of ours takes no longer than PyTorch's at ${below.length} of ${results.length} sizes`;
}

/** How much longer the last point of a line takes than its first. */
function heading({ along, points }: Line): string {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return along;
  const factor = (name: string): string =>
    (median(last.result, name) / median(first.result, name)).toPrecision(2);
  const growth = Number((last.value / first.value).toPrecision(3));
  return `${growth} × the ${along}: ${factor("compiled")} × the time,<br>PyTorch ${factor("PyTorch")} ×`;
}

/** A little more than the times, as powers of ten, so that two ticks are within at least. */
function rangeOf(points: Line["points"]): [number, number] {
  const times = points.flatMap(({ result }) => SIDES.map(({ name }) => 1000 * median(result, name)));
  return [Math.log10(Math.min(...times) / 2), Math.log10(Math.max(...times) * 2)];
}

function layoutFor(lines: readonly Line[]) {
  const width = (1 - GAP * (lines.length - 1)) / lines.length;
  const axes = lines.flatMap(({ along, points }, panel) => {
    const suffix = panel === 0 ? "" : String(panel + 1);
    const left = panel * (width + GAP);
    const look = { type: "log", gridcolor: "#e5e5e5", automargin: true, zeroline: false };
    const tickvals = points.map(({ value }) => value);
    return [
      [
        `xaxis${suffix}`,
        { ...look, title: { text: along }, domain: [left, left + width], tickvals, anchor: `y${suffix}` },
      ],
      [
        `yaxis${suffix}`,
        {
          ...look,
          ...(panel === 0 && { title: { text: "ms a step" } }),
          ...{ tickvals: TIME_TICKS, range: rangeOf(points) },
          anchor: `x${suffix}`,
        },
      ],
    ] as const;
  });
  const annotations = lines.map((line, panel) => ({
    ...{ text: heading(line), x: panel * (width + GAP) + width / 2, y: 1, xref: "paper", yref: "paper" },
    ...{ xanchor: "center", yanchor: "bottom", showarrow: false, yshift: 4 },
  }));
  return {
    ...{ width: 900, height: 400, margin: { l: 64, r: 24, t: 84, b: 56 } },
    ...{ paper_bgcolor: "white", plot_bgcolor: "white", font: { family: "Inter, sans-serif", color: INK } },
    legend: { orientation: "h", x: 0, y: 1.16, yanchor: "bottom" },
    annotations,
    ...Object.fromEntries(axes),
  };
}
