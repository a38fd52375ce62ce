import { createRequire } from "node:module";
import type { CompletionInfo, Converter, Diagnostic, SideOutput } from "tslab/dist/converter.js";
import type { CodeMetadata } from "tslab/dist/metadata.js";
import type { QuickInfo } from "typescript";
import { hasTopLevelAwait } from "./await.js";
import { withoutLocalExports } from "./local-exports.js";
import { type Emitted, installTypeScript } from "./typescript.js";

/** A cell ready to run. */
export interface CompiledCell
  extends Pick<Emitted, "code" | "sourceMap" | "moduleMap" | "imports" | "names"> {
  /** Declarations of everything defined after the cell has run. */
  declarations: string;
  isAsync: boolean;
  /** The property of `exports` that receives the value of the last expression. */
  resultName: string | undefined;
  /** Local TypeScript files that the cell imports, compiled to CommonJS, by path. */
  localModules: SideOutput[];
}

/** The type-checked compiler of cells: tslab's converter on the stock TypeScript. */
export class CellCompiler {
  readonly #converter: Converter;
  readonly #emitted: () => Emitted;
  readonly #metadata: (code: string) => CodeMetadata;

  /**
   * Starts the compiler for cells that live in the working directory. Takes about a second; one in a process.
   *
   * @param ambientTypes folder of type packages that every cell sees
   */
  constructor(ambientTypes: string) {
    this.#emitted = installTypeScript(ambientTypes);
    const require = createRequire(import.meta.url);
    const converter: typeof import("tslab/dist/converter.js") = require("tslab/dist/converter.js");
    const metadata: typeof import("tslab/dist/metadata.js") = require("tslab/dist/metadata.js");
    this.#converter = converter.createConverter({ isJS: false, isBrowser: false });
    this.#metadata = metadata.getCodeMetadata;
  }

  /**
   * Compiles one cell.
   *
   * @param declarations what earlier cells have declared
   * @returns the cell, or the errors that keep it from running
   */
  compile(declarations: string, code: string): CompiledCell | Diagnostic[] {
    const { diagnostics, output, declOutput, lastExpressionVar, sideOutputs } = this.#converter.convert(
      declarations,
      withoutLocalExports(code),
    );
    if (diagnostics.length > 0) return diagnostics;
    const { sourceMap, moduleMap, imports, names } = this.#emitted();
    return {
      code: output ?? "",
      sourceMap,
      moduleMap,
      imports,
      names,
      declarations: declOutput ?? "",
      isAsync: hasTopLevelAwait(code),
      resultName: lastExpressionVar,
      localModules: sideOutputs ?? [],
    };
  }

  /** The name in a `/** @module name *\/` comment: the cell then is a file that others import. */
  moduleName(code: string): string | undefined {
    return this.#metadata(code).module;
  }

  /** Defines a file in memory, importable as `./name`; returns its errors. */
  addModule(name: string, code: string): Diagnostic[] {
    return this.#converter.addModule(name, code, this.#metadata(code));
  }

  inspect(declarations: string, code: string, position: number): QuickInfo | undefined {
    return this.#converter.inspect(declarations, code, position) as QuickInfo | undefined;
  }

  complete(declarations: string, code: string, position: number): CompletionInfo {
    return this.#converter.complete(declarations, code, position);
  }

  close(): void {
    this.#converter.close();
  }
}
