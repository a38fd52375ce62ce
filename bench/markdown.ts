import type { CaseResult, Report, SideResult } from "./report.js";

const HEADER = [
  "case",
  "side",
  "time",
  "time / PyTorch",
  "target",
  "peak memory",
  "memory / PyTorch",
  "same work",
];

/** The report for people to read. */
export function reportMarkdown(report: Report): string {
  const { command, date, machine, threads, seed, versions, cases, failed } = report;
  const rows = cases.flatMap((result) => result.sides.map((side, i) => row(result, side, i === 0)));
  const listed = Object.entries(versions).map(([name, version]) =>
    name === "backend" ? version : `${name} ${version}`,
  );
  const warnings = [
    ...cases
      .filter(({ doubts }) => doubts.length > 0)
      .map(({ name, doubts }) => `- ${name}: ${doubts.join("; ")}.`),
    ...cases.flatMap(({ name, sides }) =>
      sides
        .filter(({ sameWork }) => !sameWork)
        .map(
          (side) =>
            `- ${name}: ${side.name} did not compute what PyTorch did (apart by ${difference(side)}).`,
        ),
    ),
    ...failed.map(({ name, error }) => `- ${name} failed: ${error.split("\n").at(-1)}`),
  ];
  const notes = cases.filter(isNoteDue).map(({ name, note }) => `- ${name}: ${note}`);
  return [
    "# Ours and PyTorch, taking turns",
    `\`${command}\`, ${date}, ${machine}, ${threads} threads each, float32, seed ${seed}. ${listed.join(", ")}.`,
    "Times are medians over the rounds. A ratio is the median over rounds of our time over PyTorch's in the same round; in brackets where its middle half lies. Peak memory is that of the whole process.",
    tableOf([HEADER, ...rows]),
    ...(notes.length > 0 ? [`Where the time and the memory go:\n\n${notes.join("\n")}`] : []),
    ...(warnings.length > 0 ? [`Not to be trusted:\n\n${warnings.join("\n")}`] : []),
  ]
    .join("\n\n")
    .concat("\n");
}

/** Whether a case has a note that is due: a time is above its target, memory is above PyTorch's, or there is no target. */
function isNoteDue({ sides, note }: CaseResult): boolean {
  const judged = sides.filter(({ target }) => target !== undefined);
  const missed = judged.some(
    ({ ratio, target = 0, memoryRatio }) => ratio.median > target || memoryRatio > 1,
  );
  return note !== undefined && (missed || judged.length === 0);
}

function row({ title, rounds, doubts }: CaseResult, side: SideResult, isFirst: boolean): string[] {
  const isReference = side.name === "PyTorch";
  const { ratio, target } = side;
  const verdict = doubts.length > 0 ? "?" : ratio.median <= (target ?? 0) ? "✓" : "✗";
  const judged = target === undefined ? "" : `≤ ${target} ${verdict}`;
  return [
    isFirst ? `${title} (${rounds} rounds${doubts.length > 0 ? ", doubtful" : ""})` : "",
    side.name,
    duration(side.seconds.median),
    isReference ? "1" : `${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`,
    judged,
    `${(side.peakBytes / 2 ** 30).toFixed(2)} GiB`,
    isReference ? "1" : side.memoryRatio.toFixed(2),
    isReference ? "" : side.sameWork ? `yes (${difference(side)})` : `NO (${difference(side)})`,
  ];
}

/** Milliseconds below a second. */
export const duration = (seconds: number): string =>
  seconds < 1 ? `${(seconds * 1000).toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`;

const difference = ({ largestDifference }: SideResult): string =>
  largestDifference === 0 ? "equal" : largestDifference.toExponential(0);

function tableOf([header = [], ...rows]: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
