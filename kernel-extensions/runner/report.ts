import type { NotebookRun } from "./run-notebook.js";

export interface Result extends NotebookRun {
  name: string;
  /** What the notebook said it computed with. */
  backend: string | undefined;
}

const terminal = process.stdout.isTTY;

/** Says which cell is running: on one changing line in a terminal, not at all in a log. */
export function watchCells(name: string): { cell: (cell: number, of: number) => void; end: () => void } {
  const show = (text: string) => terminal && process.stdout.write(`\r\x1b[K${text}`);
  show(`${name}: starting the kernel`);
  return { cell: (cell, of) => show(`${name}: cell ${cell} of ${of}`), end: () => show("") };
}

/** The cell that failed, its source with line numbers, and the trace. */
export function printFailure({ name, failure }: Result, { folder }: { folder: string }): void {
  if (!failure) return;
  const source = failure.source
    .split("\n")
    .map((line, index) => `  ${String(index + 1).padStart(3)} │ ${line}`);
  console.error(`\n${name} failed at code cell ${failure.cell}:\n\n${source.join("\n")}\n`);
  console.error(`${failure.trace}\n\nIts outputs until then are in ${folder}/failed/${name}.ipynb.\n`);
}

/** Notebook, cells, seconds, backend. */
export function printTable(results: readonly Result[]): void {
  const rows = results.map(({ name, cells, seconds, backend, failure }) => [
    name,
    String(cells),
    seconds.toFixed(1),
    backend ?? "–",
    failure ? `failed at cell ${failure.cell}` : "",
  ]);
  const table = [["notebook", "cells", "seconds", "backend", ""], ...rows];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of table) {
    const cells = row.map((text, column) =>
      column === 1 || column === 2 ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0),
    );
    console.log(cells.join("  ").trimEnd());
  }
}
