import type { Cell, Notebook } from "../../kernel-extensions/runner/notebook.js";

/** A notebook of code cells; a string that starts with "md:" becomes a Markdown cell. */
export function notebook(...sources: string[]): Notebook {
  const cells = sources.map((source, index): Cell => {
    const id = `cell-${index}`;
    if (source.startsWith("md:")) return { cell_type: "markdown", id, metadata: {}, source: source.slice(3) };
    return { cell_type: "code", id, metadata: {}, source, execution_count: null, outputs: [] };
  });
  return { nbformat: 4, nbformat_minor: 5, metadata: {}, cells };
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
