import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { internals } from "./internals.js";

/**
 * The functions that tslab's private fork of TypeScript 5.0 adds, written for the stock compiler.
 * With them tslab's converter runs on the TypeScript that the project itself uses.
 */
export const forkFunctions = {
  getDefaultTypeRoots(folder: string): string[] {
    const parent = dirname(folder);
    const types = join(folder, "node_modules/@types");
    return [
      ...(existsSync(types) ? [types] : []),
      ...(parent === folder ? [] : this.getDefaultTypeRoots(parent)),
    ];
  },

  getNullTransformationContext: () => internals.nullTransformationContext,

  /**
   * Syntax and type errors only. Declaration errors ("the inferred type cannot be named …") speak of `.d.ts` files
   * that a notebook never publishes, and a package without types is simply untyped.
   */
  getPreEmitDiagnosticsOfFiles(program: ts.Program, files: ts.SourceFile[]): ts.Diagnostic[] {
    const syntactic = files.flatMap((file) => program.getSyntacticDiagnostics(file));
    if (syntactic.length > 0) return syntactic; // what code that cannot be read means is not worth a word
    const semantic = files.flatMap((file) => program.getSemanticDiagnostics(file));
    return semantic.filter(({ code }) => code !== UNTYPED_MODULE);
  },

  Completions: {
    ...internals.Completions,
    getCompletionsAtPositionForTslab: (...args: unknown[]) =>
      internals.Completions.getCompletionsAtPosition(...args),
  },

  getQuickInfoAtPosition(
    file: ts.SourceFile,
    checker: ts.TypeChecker,
    _cancellation: ts.CancellationToken,
    position: number,
  ): ts.QuickInfo | undefined {
    const node = internals.getTouchingPropertyName(file, position);
    const symbol = node === file ? undefined : checker.getSymbolAtLocation(node);
    if (!symbol) return undefined;
    const { symbolKind, ...description } =
      internals.SymbolDisplay.getSymbolDisplayPartsDocumentationAndSymbolKind(
        checker,
        symbol,
        file,
        undefined,
        node,
      );
    const textSpan = ts.createTextSpan(node.getStart(file), node.getWidth(file));
    return { kind: symbolKind, kindModifiers: "", textSpan, ...description };
  },
};

const UNTYPED_MODULE = 7016;
