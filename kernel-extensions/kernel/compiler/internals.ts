import ts from "typescript";

/** Functions that TypeScript exports without declaring them. tslab's converter is built on these. */
interface Internals {
  nullTransformationContext: ts.TransformationContext;
  bindSourceFile(file: ts.SourceFile, options: ts.CompilerOptions): void;
  getTouchingPropertyName(file: ts.SourceFile, position: number): ts.Node;
  SymbolDisplay: {
    getSymbolDisplayPartsDocumentationAndSymbolKind(
      checker: ts.TypeChecker,
      symbol: ts.Symbol,
      file: ts.SourceFile,
      enclosing: ts.Node | undefined,
      location: ts.Node,
    ): Pick<ts.QuickInfo, "displayParts" | "documentation" | "tags"> & { symbolKind: ts.ScriptElementKind };
  };
  Completions: {
    getCompletionsAtPosition(...args: unknown[]): ts.CompletionInfo | undefined;
  };
}

export const internals = ts as unknown as typeof ts & Internals;

/** A source file's parse errors, which the parser records without declaring them. */
export function parseErrors(file: ts.SourceFile): readonly ts.DiagnosticWithLocation[] {
  return (file as unknown as { parseDiagnostics: ts.DiagnosticWithLocation[] }).parseDiagnostics;
}

/** The specifiers of a file's imports, dynamic ones included, which the program collects without declaring them. */
export function importsOf(file: ts.SourceFile): readonly ts.StringLiteral[] {
  return (file as unknown as { imports?: ts.StringLiteral[] }).imports ?? [];
}
