import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { underline } from "./compile-error.js";
import { type MappedCode, type Position, positionInCell, positionInSource } from "./positions.js";

/** An error as Jupyter's messages carry it. */
export interface ErrorReport {
  ename: string;
  evalue: string;
  traceback: string[];
}

const MAX_FRAMES = 12;

/**
 * Stack traces as the author of a notebook reads them: `at step (Cell 3, line 2)`, the library's own TypeScript files,
 * and nothing of Node, tslab or the kernel.
 */
export class Traces {
  readonly #cells = new Map<string, MappedCode>();
  readonly #places = new WeakMap<Error, Position & { name: string; code: string }>();

  /**
   * @param root   files below it are named relative to it
   * @param hidden folders whose frames are never shown
   */
  constructor(
    readonly root: string,
    readonly hidden: string[],
  ) {}

  /** Recognises frames of the script that runs under `name`. */
  register(name: string, cell: MappedCode): void {
    this.#cells.set(name, cell);
  }

  /** Gives every error of this process such a trace. */
  install(): void {
    Error.stackTraceLimit = 50; // most frames are hidden afterwards
    Error.prepareStackTrace = (error, sites) => {
      this.#notePlace(error, sites);
      const frames = sites
        .map((site) => this.#frame(site))
        .filter((frame, index, all) => frame !== undefined && frame !== all[index - 1]);
      return [headline(error), ...frames.slice(0, MAX_FRAMES).map((frame) => `    at ${frame}`)].join("\n");
    };
  }

  /** Describes whatever a cell has thrown. */
  report(thrown: unknown): ErrorReport {
    if (!(thrown instanceof Error)) {
      const evalue = inspect(thrown);
      return { ename: "Thrown", evalue, traceback: [`Thrown: ${evalue}`] };
    }
    const stack = withCauses(thrown);
    const place = this.#codeOf(thrown);
    return {
      ename: thrown.name,
      evalue: thrown.message,
      traceback: (place ? `${place}\n\n${stack}` : stack).split("\n"),
    };
  }

  /** The name of the cell that an error comes from, if its trace leads to one. */
  cellOf(thrown: unknown): string | undefined {
    if (!(thrown instanceof Error)) return undefined;
    void thrown.stack; // the place is noted when the trace is made
    return this.#places.get(thrown)?.name;
  }

  /** Remembers which position in which cell is the newest on the stack. */
  #notePlace(error: Error, sites: NodeJS.CallSite[]): void {
    const site = sites.find((one) => this.#cells.has(one.getFileName() ?? ""));
    const name = site?.getFileName();
    const cell = name && this.#cells.get(name);
    if (!site || !cell) return;
    const position = { line: site.getLineNumber() ?? 0, column: site.getColumnNumber() ?? 0 };
    const found = positionInCell(cell, position);
    if (found) this.#places.set(error, { ...found, name, code: cell.code });
  }

  /** The line of a cell that the error comes from, with the place marked. */
  #codeOf(error: Error): string | undefined {
    const place = this.#places.get(error);
    const text = place?.code.split("\n")[place.line - 1];
    if (!place || text === undefined) return undefined;
    return `${place.name}, line ${place.line}\n${underline(text, place.line, place.column - 1, 1, "^")}`;
  }

  #frame(site: NodeJS.CallSite): string | undefined {
    const file = site.getFileName() ?? undefined;
    const position = { line: site.getLineNumber() ?? 0, column: site.getColumnNumber() ?? 0 };
    const place = file && this.#place(file, position);
    if (!place) return undefined;
    const name = functionName(site);
    return name ? `${name} (${place})` : place;
  }

  #place(file: string, position: Position): string | undefined {
    const cell = this.#cells.get(file);
    if (cell) {
      const inCell = positionInCell(cell, position);
      return inCell && `${file}, line ${inCell.line}`;
    }
    if (file.startsWith("node:") || file.startsWith("evalmachine")) return undefined;
    const path = file.startsWith("file:") ? fileURLToPath(file) : file;
    if (this.hidden.some((folder) => path.startsWith(folder))) return undefined;
    const source = positionInSource(path, position) ?? { ...position, file: path };
    const shown = relative(this.root, source.file);
    return `${shown.startsWith("..") ? source.file : shown}:${source.line}:${source.column}`;
  }
}

function headline(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "Error";
  }
}

function functionName(site: NodeJS.CallSite): string | undefined {
  const name = site.getFunctionName();
  if (!name) return undefined;
  const type = site.isConstructor() ? "new " : "";
  const awaited = (site as unknown as { isAsync(): boolean }).isAsync() ? "async " : "";
  return `${awaited}${type}${name}`;
}

function withCauses(error: Error): string {
  const parts = [error.stack ?? headline(error)];
  const inner = error instanceof AggregateError ? error.errors : [];
  for (const cause of [error.cause, ...inner].filter((one) => one !== undefined))
    parts.push(`Caused by ${cause instanceof Error ? withCauses(cause) : inspect(cause)}`);
  return parts.join("\n");
}
