import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PosttrainError } from "posttrain/errors";
import { Book } from "./book.js";
import { KernelClient } from "./client.js";
import { printFailure, printTable, type Result, watchCells } from "./report.js";
import { backendOf, runNotebook } from "./run-notebook.js";

const USAGE = `Executes notebooks with the project's kernel and makes the book.

  npm run notebooks [-- names…] [-- --option value]

  names                    which notebooks, for example 02-sft; all when none is given
  --timeout <seconds>      longest time for one cell (default 240)
  --notebooks <folder>     where the notebooks are (default notebooks)
  --out <folder>           where the book goes (default book)
  --report <file>          also writes the results as JSON
  --help`;

const root = fileURLToPath(new URL("../../", import.meta.url)); // from dist-kernel/runner
const launch = fileURLToPath(new URL("../kernel/launch.js", import.meta.url));
const kernelCommand = [process.execPath, launch, "--connection-file", "{connection_file}", "--root", root];

/** The user, or the system, wants the runner to end. */
class Interruption extends Error {}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      timeout: { type: "string", default: "240" },
      notebooks: { type: "string", default: join(root, "notebooks") },
      out: { type: "string", default: join(root, "book") },
      report: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const cellTimeout = Number(values.timeout);
  if (!(cellTimeout > 0))
    throw new TypeError(`--timeout should be a number of seconds, but is ${values.timeout}`);

  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => interruption.abort(new Interruption(`Stopped by ${signal}.`)));

  const book = new Book(resolve(values.notebooks), resolve(values.out));
  const results: Result[] = [];
  const names = book.select(positionals);
  try {
    for (const name of names) {
      const result = await execute(name, book, { cellTimeout, signal: interruption.signal });
      results.push(result);
      if (result.failure) printFailure(result, book);
    }
  } finally {
    book.render();
  }
  printTable(results);
  const failed = results.filter(({ failure }) => failure).length;
  if (values.report)
    writeFileSync(
      values.report,
      JSON.stringify({ passed: results.length - failed, failed, notebooks: results }),
    );
  return failed === 0 ? 0 : 1;
}

async function execute(
  name: string,
  book: Book,
  options: { cellTimeout: number; signal: AbortSignal },
): Promise<Result> {
  const notebook = book.read(name);
  const watch = watchCells(name);
  const kernel = await KernelClient.start(kernelCommand, { cwd: root });
  const endKernel = () => kernel.kill();
  options.signal.addEventListener("abort", endKernel, { once: true });
  try {
    const run = await runNotebook(notebook, kernel, { ...options, onCell: watch.cell });
    const result = { name, ...run, backend: backendOf(notebook) };
    if (run.failure) book.addFailed(name, notebook);
    else book.add(name, notebook, { seconds: run.seconds, backend: result.backend });
    return result;
  } finally {
    watch.end();
    options.signal.removeEventListener("abort", endKernel);
    await kernel.shutdown();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const foreseen = [PosttrainError, Interruption, TypeError].some((kind) => error instanceof kind);
  console.error(foreseen ? (error as Error).message : error);
  process.exitCode = error instanceof Interruption ? 130 : 2;
}
