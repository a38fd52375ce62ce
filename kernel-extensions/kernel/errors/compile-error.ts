import type { Diagnostic } from "tslab/dist/converter.js";

/** A cell that does not compile. Its stack shows every error below the line that it speaks of, as `tsc` does. */
export class TypeScriptError extends Error {
  override readonly name = "TypeScriptError";

  constructor(diagnostics: Diagnostic[], code: string, name: string) {
    const groups = byPosition(diagnostics);
    super(groups.map(([first]) => first?.messageText ?? "").join("\n"));
    this.stack = groups.map((group) => describe(group, code, name)).join("\n\n");
  }
}

/** tslab lists the parts of one explanation as errors of their own at the same place. */
function byPosition(diagnostics: Diagnostic[]): Diagnostic[][] {
  const groups = new Map<string, Diagnostic[]>();
  for (const diagnostic of diagnostics) {
    const key = `${diagnostic.fileName ?? ""}:${diagnostic.start.offset}`;
    groups.set(key, [...(groups.get(key) ?? []), diagnostic]);
  }
  return [...groups.values()];
}

function describe(group: Diagnostic[], code: string, name: string): string {
  const [first] = group;
  if (!first) return "";
  const { start, end, fileName } = first;
  const messages = group.map(({ messageText }, depth) => `${"  ".repeat(depth)}${messageText}`).join("\n");
  const place = fileName ? `${fileName}:${start.line + 1}` : `${name}, line ${start.line + 1}`;
  const summary = `${place} - error TS${first.code}: ${messages}`;
  const line = code.split("\n")[start.line];
  if (fileName || line === undefined) return summary;
  const length = end.line === start.line ? end.character - start.character : line.length - start.character;
  return `${summary}\n\n${underline(line, start.line + 1, start.character, length)}`;
}

/** A numbered line of code with the span of `length` characters at `column` marked below it. */
export function underline(line: string, number: number, column: number, length: number, mark = "~"): string {
  const gutter = `${number} `;
  const indent = line.slice(0, column).replace(/[^\t]/g, (character) => (isWide(character) ? "　" : " "));
  return `${gutter}${line}\n${" ".repeat(gutter.length)}${indent}${mark.repeat(Math.max(1, length))}`;
}

/** Whether a character takes two columns in a fixed-width font. */
function isWide(character: string): boolean {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]/.test(
    character,
  );
}
