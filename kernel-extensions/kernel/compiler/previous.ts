import ts from "typescript";

/**
 * Points names from earlier cells at the object that holds them, where tslab forgets to:
 * `{ loss }` becomes `{ loss: exports.loss }`, and `f(x)` becomes `(0, exports.f)(x)`, so that `this` stays undefined.
 *
 * @param declarations the file that declares what earlier cells have defined
 */
export function previousReferences(
  checker: ts.TypeChecker,
  declarations: ts.SourceFile | undefined,
): ts.TransformerFactory<ts.SourceFile> {
  const isPrevious = (symbol: ts.Symbol | undefined) =>
    symbol?.declarations?.some((declaration) => declaration.getSourceFile() === declarations) ?? false;

  return (context) => (file) => {
    const { factory } = context;
    const held = (name: ts.Identifier) =>
      factory.createPropertyAccessExpression(factory.createIdentifier("exports"), name.text);

    const visit = (node: ts.Node): ts.Node => {
      if (
        ts.isShorthandPropertyAssignment(node) &&
        isPrevious(checker.getShorthandAssignmentValueSymbol(node))
      ) {
        const fallback = node.objectAssignmentInitializer; // `({ x = 1 } = options)`
        const value = fallback
          ? factory.createAssignment(held(node.name), ts.visitNode(fallback, visit) as ts.Expression)
          : held(node.name);
        return factory.createPropertyAssignment(node.name.text, value);
      }
      const visited = ts.visitEachChild(node, visit, context);
      if (ts.isCallExpression(node) && ts.isCallExpression(visited) && ts.isIdentifier(node.expression)) {
        if (!isPrevious(checker.getSymbolAtLocation(node.expression))) return visited;
        const detached = factory.createComma(factory.createNumericLiteral(0), held(node.expression));
        const callee = factory.createParenthesizedExpression(detached);
        return factory.updateCallExpression(visited, callee, visited.typeArguments, visited.arguments);
      }
      return visited;
    };
    return ts.visitEachChild(file, visit, context);
  };
}
