import ts from "typescript";
import { withoutMapComment } from "./program.js";

/** Names that the compiled cell finds as parameters of the function around it. */
export const CELL_PARAMETERS = ["exports", "require", "__module", "__import", "__meta"] as const;

export interface CommonJs {
  code: string;
  sourceMap: string;
  /** What the cell imports, in order. */
  imports: string[];
}

/**
 * Rewrites an ES module to the body of a function. Static imports become `__module("x")`, dynamic ones `__import("x")`
 * and `import.meta` becomes `__meta`: the kernel loads modules as Node loads them for any ES module.
 */
export function toCommonJs(code: string, options: ts.TranspileOptions): CommonJs {
  const imports = new Set<string>();
  const { outputText, sourceMapText } = ts.transpileModule(code, {
    ...options,
    compilerOptions: { ...options.compilerOptions, sourceMap: true },
    transformers: { before: [keepDynamicImports], after: [shareExports(imports)] },
  });
  return {
    code: withoutMapComment(outputText),
    sourceMap: sourceMapText ?? "",
    imports: [...imports],
  };
}

const keepDynamicImports: ts.TransformerFactory<ts.SourceFile> = (context) => (file) => {
  const { factory } = context;
  const visit = (node: ts.Node): ts.Node => {
    if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword)
      return factory.createIdentifier("__meta");
    const visited = ts.visitEachChild(node, visit, context);
    if (ts.isCallExpression(visited) && visited.expression.kind === ts.SyntaxKind.ImportKeyword)
      return factory.createCallExpression(factory.createIdentifier("__import"), undefined, visited.arguments);
    return visited;
  };
  return ts.visitEachChild(file, visit, context);
};

/**
 * All cells share one `exports` object, so a cell must not seal or empty it: getters become plain assignments,
 * and the opening `exports.a = exports.b = void 0` goes, so that a cell that throws early leaves old values alone.
 */
function shareExports(imports: Set<string>): ts.TransformerFactory<ts.SourceFile> {
  return (context) => (file) => {
    const { factory } = context;

    const visit = (node: ts.Node): ts.Node => {
      const specifier = generatedRequire(node);
      if (!specifier) return ts.visitEachChild(node, visit, context);
      imports.add(specifier.text);
      return factory.createCallExpression(factory.createIdentifier("__module"), undefined, [specifier]);
    };

    const rewrite = (statement: ts.Statement): ts.Statement | undefined => {
      const definition = exportDefinition(statement);
      if (definition) {
        if (!definition.value) return undefined; // __esModule
        const held = factory.createPropertyAccessExpression(
          factory.createIdentifier("exports"),
          definition.name,
        );
        return factory.createExpressionStatement(factory.createAssignment(held, definition.value));
      }
      return isHoistedReset(statement) ? undefined : (visit(statement) as ts.Statement);
    };

    const statements = file.statements.flatMap((statement) => rewrite(statement) ?? []);
    return factory.updateSourceFile(file, statements);
  };
}

/** The "x" of a `require("x")` that TypeScript wrote for an import; calls in the author's code are left alone. */
function generatedRequire(node: ts.Node): ts.StringLiteral | undefined {
  if (!ts.isCallExpression(node) || node.pos >= 0) return undefined;
  const [argument] = node.arguments;
  if (!ts.isIdentifier(node.expression) || node.expression.text !== "require") return undefined;
  return argument && ts.isStringLiteral(argument) ? argument : undefined;
}

/** Reads `Object.defineProperty(exports, "name", { enumerable: true, get: function () { return value; } })`. */
function exportDefinition(statement: ts.Statement): { name: string; value?: ts.Expression } | undefined {
  if (!ts.isExpressionStatement(statement) || !ts.isCallExpression(statement.expression)) return undefined;
  const { expression: callee, arguments: args } = statement.expression;
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== "defineProperty") return undefined;
  const [target, name, descriptor] = args;
  if (!target || !ts.isIdentifier(target) || target.text !== "exports") return undefined;
  if (!name || !ts.isStringLiteral(name) || !descriptor || !ts.isObjectLiteralExpression(descriptor))
    return undefined;
  for (const property of descriptor.properties) {
    if (!ts.isPropertyAssignment(property) || !ts.isFunctionExpression(property.initializer)) continue;
    const [first] = property.initializer.body.statements;
    if (first && ts.isReturnStatement(first)) return { name: name.text, value: first.expression };
  }
  return { name: name.text };
}

/** Recognises `exports.a = exports.b = void 0`, which TypeScript writes at the top. */
function isHoistedReset(statement: ts.Statement): boolean {
  if (!ts.isExpressionStatement(statement) || statement.pos >= 0) return false;
  let value: ts.Expression = statement.expression;
  let targets = 0;
  while (ts.isBinaryExpression(value) && value.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
    value = value.right;
    targets++;
  }
  return targets > 0 && ts.isVoidExpression(value) && value.pos < 0;
}
