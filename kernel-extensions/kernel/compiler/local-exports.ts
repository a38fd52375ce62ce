import ts from "typescript";

/**
 * The code with its own `export` keywords blanked out: pasted from a file, they mean nothing in a cell, where everything
 * is shared anyway. Positions stay as they are. `export … from` and `export default` are left alone.
 */
export function withoutLocalExports(code: string): string {
  if (!code.includes("export")) return code;
  const file = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  let text = code;
  const blank = (node: ts.Node) => {
    const [start, end] = [node.getStart(file), node.getEnd()];
    text = text.slice(0, start) + text.slice(start, end).replace(/[^\r\n]/g, " ") + text.slice(end);
  };
  for (const statement of file.statements) {
    if (ts.isExportDeclaration(statement) && !statement.moduleSpecifier) blank(statement);
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    const isDefault = modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword);
    for (const modifier of modifiers)
      if (modifier.kind === ts.SyntaxKind.ExportKeyword && !isDefault) blank(modifier);
  }
  return text;
}
