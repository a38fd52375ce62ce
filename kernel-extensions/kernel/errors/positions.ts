import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, resolve } from "node:path";

export interface Position {
  /** Counted from 1. */
  line: number;
  /** Counted from 1. */
  column: number;
}

export interface MappedCode {
  /** Map from the running JavaScript to the ES module. */
  sourceMap: string;
  /** Map from the ES module to the cell. */
  moduleMap: string;
  /** What the author wrote. */
  code: string;
  /** Lines of the running JavaScript; what follows them is the kernel's call. */
  lines: number;
}

/** Where in a cell a position of its running JavaScript comes from; nothing for code that the compiler added. */
export function positionInCell(cell: MappedCode, position: Position): Position | undefined {
  if (position.line > cell.lines) return undefined;
  const inModule = original(parsed(cell.sourceMap), position);
  const inSource = inModule && original(parsed(cell.moduleMap), inModule);
  // tslab puts one line of its own before every cell.
  return inSource && inSource.line > 1 ? { ...inSource, line: inSource.line - 1 } : undefined;
}

/** Where a position in a compiled file comes from, when a map lies beside the file. */
export function positionInSource(
  file: string,
  position: Position,
): (Position & { file: string }) | undefined {
  const found = original(mapBeside(file), position);
  return found && { ...found, file: resolve(dirname(file), found.file) };
}

const maps = new Map<string, SourceMap>();
const fileMaps = new Map<string, SourceMap | undefined>();

function parsed(text: string): SourceMap | undefined {
  if (text === "") return undefined;
  const map = maps.get(text) ?? new SourceMap(JSON.parse(text));
  maps.set(text, map);
  return map;
}

function mapBeside(file: string): SourceMap | undefined {
  if (!fileMaps.has(file)) fileMaps.set(file, readMap(`${file}.map`));
  return fileMaps.get(file);
}

function readMap(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined; // most packages ship none
  }
}

function original(
  map: SourceMap | undefined,
  { line, column }: Position,
): (Position & { file: string }) | undefined {
  const entry = map?.findEntry(line - 1, column - 1);
  if (!entry || !("originalLine" in entry)) return undefined;
  return { line: entry.originalLine + 1, column: entry.originalColumn + 1, file: entry.originalSource };
}
