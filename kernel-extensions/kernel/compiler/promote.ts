import ts from "typescript";

/**
 * Turns `let n = 0; … export { n }`, as tslab writes it, into `export let n = 0`. The step to CommonJS then makes every
 * use of `n` a use of the shared `exports.n`: a later cell that assigns `n` is seen by the functions of this one.
 */
export const promoteVariables: ts.TransformerFactory<ts.SourceFile> = (context) => (file) => {
  const { factory } = context;
  const exported = exportedNames(file);
  const promoted = new Set<string>();

  const statements = file.statements.map((statement) => {
    if (!ts.isVariableStatement(statement) || statement.modifiers?.length) return statement;
    const names = statement.declarationList.declarations.flatMap(({ name }) => boundNames(name));
    if (!names.every((name) => exported.has(name))) return statement;
    for (const name of names) promoted.add(name);
    const list = statement.declarationList;
    const declarations = list.declarations.map((declaration) =>
      // Running `let x;` again must forget the old value.
      declaration.initializer
        ? declaration
        : factory.updateVariableDeclaration(
            declaration,
            declaration.name,
            undefined,
            undefined,
            factory.createIdentifier("undefined"),
          ),
    );
    return factory.updateVariableStatement(
      statement,
      [factory.createModifier(ts.SyntaxKind.ExportKeyword)],
      factory.updateVariableDeclarationList(list, declarations),
    );
  });

  const remaining = statements.map((statement) => {
    const elements = plainExports(statement);
    if (!ts.isExportDeclaration(statement) || elements.length === 0) return statement;
    const left = elements.filter(({ name }) => !promoted.has(name.text));
    return factory.updateExportDeclaration(
      statement,
      statement.modifiers,
      statement.isTypeOnly,
      factory.createNamedExports(left),
      undefined,
      undefined,
    );
  });
  return factory.updateSourceFile(file, remaining);
};

/** The names that a file exports by lists such as `export { n }`. */
export function exportedNames(file: ts.SourceFile): Set<string> {
  return new Set(file.statements.flatMap(plainExports).map(({ name }) => name.text));
}

/** The `{ n }` of `export { n }`, without renamings and re-exports. */
function plainExports(statement: ts.Statement): ts.ExportSpecifier[] {
  if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier || !statement.exportClause) return [];
  if (!ts.isNamedExports(statement.exportClause)) return [];
  return statement.exportClause.elements.filter((element) => !element.propertyName);
}

/** Every name that a declaration binds, destructuring included. */
function boundNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) =>
    ts.isOmittedExpression(element) ? [] : boundNames(element.name),
  );
}
