import type { QuickInfo, SymbolDisplayPart } from "typescript";
import type { CellCompiler } from "../compiler/cells.js";
import type { Content } from "../wire/message.js";
import { toUtf16 } from "./offsets.js";

/** Type and documentation of the name at the cursor, also when the cursor stands right behind it. */
export function inspect(compiler: CellCompiler, declarations: string, code: string, cursor: number): Content {
  const position = toUtf16(code, cursor);
  const isName = (index: number) => /[\p{ID_Continue}$]/u.test(code.charAt(index));
  const at = isName(position) || !isName(position - 1) ? position : position - 1;
  const info = compiler.inspect(declarations, code, at);
  if (!info) return { status: "ok", found: false, data: {}, metadata: {} };
  return { status: "ok", found: true, data: describe(info), metadata: {} };
}

/** What Jupyter's pager shows for the cell `name?`. */
export function pageAbout(name: string, compiler: CellCompiler, declarations: string): Content {
  const info = compiler.inspect(declarations, name, name.length - 1);
  const data = info ? describe(info) : { "text/plain": `Nothing is known about ${name}.` };
  return { source: "page", data, start: 0 };
}

function describe(info: QuickInfo): Record<string, string> {
  const signature = join(info.displayParts);
  const documentation = join(info.documentation);
  const tags = (info.tags ?? []).map(({ name, text }) => [`@${name}`, join(text)].filter(Boolean).join(" "));
  const notes = [documentation, tags.join("\n\n")].filter(Boolean).join("\n\n");
  return {
    "text/plain": [signature, notes].filter(Boolean).join("\n\n"),
    "text/markdown": [`\`\`\`typescript\n${signature}\n\`\`\``, notes].filter(Boolean).join("\n\n"),
  };
}

function join(parts: readonly SymbolDisplayPart[] | undefined): string {
  return (parts ?? []).map(({ text }) => text).join("");
}
