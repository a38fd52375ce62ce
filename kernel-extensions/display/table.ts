import { inspect } from "node:util";
import type { MimeBundle } from "./bundle.js";
import { escapeHtml } from "./escape.js";
import { formatColumn } from "./numbers.js";
import { clip, padEnd, padStart, textWidth } from "./text-width.js";

/** What we need of an arquero `ColumnTable`; recognised by shape, so that any copy of arquero will do. */
export interface TableLike {
  columnNames(): string[];
  numRows(): number;
  objects(options: { limit: number }): object[];
}

export function isTable(value: unknown): value is TableLike {
  if (typeof value !== "object" || value === null) return false;
  const table = value as Partial<Record<keyof TableLike, unknown>>;
  return ["columnNames", "numRows", "objects"].every(
    (method) => typeof table[method as keyof TableLike] === "function",
  );
}

const ROWS = 20;
const TEXT_CELL = 40;
const HTML_CELL = 160;

interface Column {
  name: string;
  numeric: boolean;
  cells: string[];
}

/** The first 20 visible rows of an arquero table, as HTML and as aligned text. */
export function tableBundle(table: TableLike): MimeBundle {
  const total = table.numRows();
  const columns = readColumns(table);
  const shown = Math.min(total, ROWS);
  const note = shown < total ? `… ${shown} of ${total} rows` : total === 0 ? "no rows" : "";
  return { "text/html": toHtml(columns, shown, note), "text/plain": toText(columns, shown, note) };
}

function readColumns(table: TableLike): Column[] {
  const rows = table.objects({ limit: ROWS }) as Record<string, unknown>[];
  return table.columnNames().map((name) => {
    const values = rows.map((row) => row[name]);
    const present = values.filter((value) => value !== null && value !== undefined);
    const numbers = present.filter((value): value is number => typeof value === "number");
    const numeric = numbers.length > 0 && numbers.length === present.length;
    const formatted = formatColumn(numbers);
    let next = 0;
    const cells = values.map((value) =>
      typeof value === "number" && numeric ? (formatted[next++] ?? "") : cellText(value),
    );
    return { name, numeric, cells };
  });
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (value instanceof Date) return value.toISOString();
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 12, depth: 2 });
}

// Only what JupyterLab's sanitizer keeps in an untrusted notebook: plain tags and a few inline styles.
function toHtml(columns: Column[], rows: number, note: string): string {
  const align = (column: Column) => `text-align: ${column.numeric ? "right" : "left"}`;
  const head = columns.map((column) => `<th style="${align(column)}">${escapeHtml(column.name)}</th>`);
  const body = Array.from({ length: rows }, (_, row) => {
    const cells = columns.map(
      (column) => `<td style="${align(column)}">${escapeHtml(clip(column.cells[row] ?? "", HTML_CELL))}</td>`,
    );
    return `<tr>${cells.join("")}</tr>`;
  });
  return `<table><thead><tr>${head.join("")}</tr></thead><tbody>${body.join("")}</tbody></table>${note && `<p><small>${note}</small></p>`}`;
}

function toText(columns: Column[], rows: number, note: string): string {
  const printed = columns.map((column) => {
    const all = [column.name, ...column.cells].map((cell) => clip(cell.replace(/\s+/g, " "), TEXT_CELL));
    const width = Math.max(...all.map(textWidth));
    return all.map((cell) => (column.numeric ? padStart(cell, width) : padEnd(cell, width)));
  });
  const lines = Array.from({ length: rows + 1 }, (_, line) =>
    printed
      .map((cells) => cells[line] ?? "")
      .join("  ")
      .trimEnd(),
  );
  return [...lines, ...(note ? [note] : [])].join("\n");
}
