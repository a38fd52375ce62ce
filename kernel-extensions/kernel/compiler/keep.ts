import ts from "typescript";

/**
 * Declarations after a cell that threw: what it defined before the error stays, what it did not reach is as it was.
 *
 * @param before    declarations before the cell
 * @param after     declarations that the cell would have left
 * @param unreached names that the cell declares but never gave a value
 */
export function keepDeclarations(before: string, after: string, unreached: ReadonlySet<string>): string {
  const kept = statements(after).map((statement) => select(statement, (name) => !unreached.has(name)));
  const earlier = statements(before)
    .filter((statement) => valueNames(statement).length > 0)
    .map((statement) => select(statement, (name) => unreached.has(name)));
  return [...earlier, ...kept].filter((text) => text !== "").join("\n");
}

function statements(declarations: string): readonly ts.Statement[] {
  return ts.createSourceFile("declarations.d.ts", declarations, ts.ScriptTarget.Latest, true).statements;
}

/** Variables, functions, classes and enums that the statement declares; none for types and imports. */
function valueNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  const isValue =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isEnumDeclaration(statement);
  return isValue && statement.name ? [statement.name.text] : [];
}

/** The statement's text with only the values that `keep` chooses. */
function select(statement: ts.Statement, keep: (name: string) => boolean): string {
  if (!ts.isVariableStatement(statement)) return valueNames(statement).every(keep) ? statement.getText() : "";
  const { declarations, flags } = statement.declarationList;
  const left = declarations.filter(({ name }) => keep(name.getText())).map((one) => one.getText());
  if (left.length === 0) return "";
  return `declare ${flags & ts.NodeFlags.Const ? "const" : "let"} ${left.join(", ")};`;
}
