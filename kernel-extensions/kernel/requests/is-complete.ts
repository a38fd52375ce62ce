import ts from "typescript";
import { parseErrors } from "../compiler/internals.js";
import type { Content } from "../wire/message.js";

/** Whether the code can run, needs more lines, or is wrong whatever follows. */
export function isComplete(code: string): Content {
  const file = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const errors = parseErrors(file);
  if (errors.length === 0) return { status: "complete" };
  const end = code.trimEnd().length;
  const needsMore = errors.some(({ start, code: error }) => start >= end || UNTERMINATED.has(error));
  return needsMore ? { status: "incomplete", indent: indentAfter(code) } : { status: "invalid" };
}

// Unterminated comment and template literal: the parser reports them where they begin. A string cannot span lines.
const UNTERMINATED = new Set([1010, 1160]);

/** The indentation of the last line, one level deeper when it opens a bracket. */
function indentAfter(code: string): string {
  const line = code.trimEnd().split("\n").at(-1) ?? "";
  const indent = /^\s*/.exec(line)?.[0] ?? "";
  return /[{([]\s*$/.test(line) ? `${indent}  ` : indent;
}
