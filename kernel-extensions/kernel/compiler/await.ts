import ts from "typescript";

/** Whether a cell awaits outside of every function, so that it has to run as an async function. */
export function hasTopLevelAwait(code: string): boolean {
  if (!code.includes("await")) return false;
  const file = ts.createSourceFile(
    "cell.ts",
    `export {};${code}`,
    ts.ScriptTarget.Latest,
    false,
    ts.ScriptKind.TS,
  );
  const awaits = (node: ts.Node): boolean => {
    if (ts.isFunctionLike(node) || ts.isPropertyDeclaration(node)) return false;
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) return true;
    if (
      ts.isVariableDeclarationList(node) &&
      (node.flags & ts.NodeFlags.AwaitUsing) === ts.NodeFlags.AwaitUsing
    )
      return true;
    return ts.forEachChild(node, awaits) ?? false;
  };
  return awaits(file);
}
