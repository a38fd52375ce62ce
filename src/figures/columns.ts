import type { ColumnTable } from "arquero";
import { PosttrainError } from "../errors.js";

/** A table that a figure cannot be drawn from. */
export class FigureError extends PosttrainError {}

/**
 * Checks that a table has the columns that a figure needs. A table without rows passes: it becomes an empty figure,
 * so that a live chart can be shown before the first step.
 * @throws {FigureError} naming the missing columns and those present
 */
export function requireColumns(table: ColumnTable, figure: string, names: readonly string[]): void {
  if (table.numRows() === 0) return;
  const present = table.columnNames();
  const missing = names.filter((name) => !present.includes(name));
  if (missing.length === 0) return;
  throw new FigureError(`${figure} needs the column${missing.length > 1 ? "s" : ""} ${list(missing)}`, {
    code: "figures/missing-column",
    value: missing,
    hint: `The table has ${list(present)}. Rename or derive what is missing with arquero's rename or derive.`,
  });
}

export const hasColumn = (table: ColumnTable, name: string): boolean => table.columnNames().includes(name);

/**
 * A column of numbers; what is missing or NaN becomes null, which is drawn as a gap.
 * @throws {FigureError} at the first value that is not a number, naming its row
 */
export function numbers(table: ColumnTable, name: string): (number | null)[] {
  if (!hasColumn(table, name)) return [];
  return Array.from(table.array(name) as ArrayLike<unknown>, (value, row) => {
    if (value === null || value === undefined) return null;
    if (typeof value === "boolean") return Number(value);
    if (typeof value === "number") return Number.isFinite(value) ? value : null;
    throw new FigureError(
      `Column ${name} should hold numbers, but row ${row} holds ${JSON.stringify(value)}`,
      {
        code: "figures/not-a-number",
        value,
        hint: "Convert it, for example with derive and Number.",
      },
    );
  });
}

export const texts = (table: ColumnTable, name: string): string[] =>
  hasColumn(table, name) ? Array.from(table.array(name) as ArrayLike<unknown>, String) : [];

/** The table split by the values of a column, in order of first appearance; the whole table when it has no such column. */
export function series(table: ColumnTable, column: string): { name: string; table: ColumnTable }[] {
  if (!hasColumn(table, column)) return [{ name: "", table }];
  const values = texts(table, column);
  return [...new Set(values)].map((name) => ({
    name,
    table: table.reify(values.flatMap((value, row) => (value === name ? [row] : []))),
  }));
}

/** Pairs without gaps in either coordinate. */
export function points(table: ColumnTable, x: string, y: string): { x: number[]; y: number[] } {
  const [xs, ys] = [numbers(table, x), numbers(table, y)];
  const kept = xs.flatMap((value, row) => {
    const other = ys[row];
    return value === null || other === null || other === undefined ? [] : [[value, other] as const];
  });
  return { x: kept.map(([value]) => value), y: kept.map(([, value]) => value) };
}

const list = (names: readonly string[]): string =>
  names.length === 0 ? "none" : names.map((name) => `"${name}"`).join(", ");
