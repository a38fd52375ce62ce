import { table } from "arquero";
import { comparisonBars, type Figure } from "posttrain/figures";
import type { CaseResult } from "./report.js";

/** A panel a case: the median time of every side, in milliseconds or seconds. */
export function timesFigure(cases: readonly CaseResult[]): Figure {
  const bars = cases.flatMap(({ title, sides }) => {
    const inSeconds = Math.max(...sides.map(({ seconds }) => seconds.median)) >= 1;
    return sides.map(({ name, seconds }) => ({
      metric: title,
      model: name,
      value: inSeconds ? seconds.median : seconds.median * 1000,
      unit: inSeconds ? "seconds" : "milliseconds",
    }));
  });
  const column = (key: keyof (typeof bars)[number]) => bars.map((bar) => bar[key]);
  return comparisonBars(
    table({ metric: column("metric"), model: column("model"), value: column("value"), unit: column("unit") }),
  ).title(finding(cases));
}

/** What the bars show, in words. Only cases without doubts count. */
export function finding(cases: readonly CaseResult[]): string {
  const trusted = cases.filter(({ doubts }) => doubts.length === 0);
  const compiled = trusted.flatMap(({ sides }) => sides.filter(({ name }) => name === "compiled"));
  if (compiled.length === 0) return "Times on a machine too busy to compare";
  const won = compiled.filter(({ ratio }) => ratio.median <= 1).length;
  return `Compiled, ours takes no longer than PyTorch in ${won} of ${compiled.length} cases`;
}
