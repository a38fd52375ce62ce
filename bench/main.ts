/**
 * npm run bench: the same work here and in PyTorch, in turns, on the same machine.
 *
 *   npm run bench -- --quick             three rounds of each case
 *   npm run bench -- --only tiny-step    one case, or all whose names begin so; may be given several times
 *   npm run bench -- --threads 1         for both sides; 2 unless said otherwise
 *   npm run bench -- --setup             only installs what the reference needs
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, platform, totalmem } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { figureToPng } from "../kernel-extensions/display/static-plot.js";
import { buildLibrary } from "./build-library.js";
import { CASES } from "./cases/index.js";
import { growthFigure } from "./growth.js";
import { reportMarkdown } from "./markdown.js";
import { ratiosFigure } from "./picture.js";
import { setUpReference } from "./reference-environment.js";
import { type CaseResult, type FailedCase, type Report, versionsOf } from "./report.js";
import { runCase } from "./run-case.js";
import { caseLines } from "./terminal.js";
import { type BenchCase, SEED } from "./types.js";
import { TemporaryWorkspace } from "./workspace.js";

const folder = fileURLToPath(new URL("report/", import.meta.url));
const { values: args } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    quick: { type: "boolean", default: false },
    setup: { type: "boolean", default: false },
    threads: { type: "string", default: String(Math.min(2, availableParallelism())) },
  },
});
const threads = Number(args.threads);
if (!Number.isInteger(threads) || threads < 1) {
  console.error(`--threads is ${args.threads}; give a whole number of at least 1.`);
  process.exit(2);
}

const chosen = choose(args.only);
await setUpReference(console.log);
if (!args.setup) await run(chosen);

function choose(only: readonly string[] = []): BenchCase[] {
  const exact = CASES.filter(({ name }) => only.includes(name));
  const rest = only.filter((start) => exact.every(({ name }) => name !== start));
  const begun = CASES.filter(({ name }) => rest.some((start) => name.startsWith(start)));
  const found = only.length === 0 ? [...CASES] : [...new Set([...exact, ...begun])];
  if (found.length > 0) return found;
  console.error(
    `No case begins with ${only.join(" or ")}. There are: ${CASES.map(({ name }) => name).join(", ")}.`,
  );
  process.exit(2);
}

async function run(cases: readonly BenchCase[]): Promise<void> {
  buildLibrary();
  const workspace = new TemporaryWorkspace();
  process.once("exit", () => workspace.dispose());
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

  const finished: CaseResult[] = [];
  const failed: FailedCase[] = [];
  for (const bench of cases) {
    try {
      const say = (progress: string): void => showProgress(`${bench.title}: ${progress}`);
      const result = await runCase(bench, workspace, { threads, quick: args.quick, say });
      showProgress("");
      finished.push(result);
      console.log(caseLines(result).join("\n"));
    } catch (error) {
      showProgress("");
      const message = error instanceof Error ? error.message : String(error);
      failed.push({ name: bench.name, title: bench.title, error: message });
      console.error(`${bench.title}\n  failed: ${message}`);
    }
  }
  if (finished.length > 0) await save(describe(finished, failed));
  const differs = finished.some(({ sides }) => sides.some(({ sameWork }) => !sameWork));
  process.exitCode = failed.length > 0 || differs ? 1 : 0;
}

/** One line that is written over; only where a person watches. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function describe(finished: CaseResult[], failed: FailedCase[]): Report {
  const processor = cpus()[0]?.model.trim() ?? process.arch;
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    command: ["npm run bench", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(
      " ",
    ),
    date: new Date().toISOString().slice(0, 10),
    machine: `${processor}, ${cpus().length} cores, ${memory} GiB, ${platform()}`,
    ...{ threads, seed: SEED },
    versions: versionsOf(finished),
    cases: finished,
    failed,
  };
}

async function save(report: Report): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "latest.json"), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(path.join(folder, "latest.md"), reportMarkdown(report));
  writeFileSync(path.join(folder, "latest.png"), await figureToPng(ratiosFigure(report.cases)));
  const growth = growthFigure(report.cases);
  if (growth) writeFileSync(path.join(folder, "latest-growth.png"), await figureToPng(growth));
  console.log("Written: latest.json, latest.md and their pictures, in bench/report/");
}
