import { duration } from "./markdown.js";
import type { CaseResult } from "./report.js";

/** One case as lines for the terminal. */
export function caseLines({ title, sides, disturbance, doubts }: CaseResult): string[] {
  const busy = disturbance
    ? `others ${(100 * disturbance.others).toFixed(0)} %, stolen ${(100 * disturbance.stolen).toFixed(0)} %, load ${disturbance.load.toFixed(1)}`
    : "";
  return [
    `${title}${busy ? `  [${busy}]` : ""}`,
    ...sides.map((side) => {
      const { ratio, seconds, peakBytes, memoryRatio, firstOutcome, lastOutcome } = side;
      return [
        `  ${side.name.padEnd(9)}`,
        duration(seconds.median).padStart(9),
        `× ${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`,
        `${(peakBytes / 2 ** 30).toFixed(2)} GiB × ${memoryRatio.toFixed(2)}`,
        `${outcome(firstOutcome)} → ${outcome(lastOutcome)}${side.sameWork ? "" : `  DIFFERENT by ${side.largestDifference}`}`,
      ].join("  ");
    }),
    ...(doubts.length > 0 ? [`  doubtful: ${doubts.join("; ")}`] : []),
  ];
}

const outcome = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(6));
