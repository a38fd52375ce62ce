import { isPromise } from "node:util/types";
import type { CellCompiler, CompiledCell } from "../compiler/cells.js";
import type { CELL_PARAMETERS } from "../compiler/commonjs.js";
import { keepDeclarations } from "../compiler/keep.js";
import { TypeScriptError } from "../errors/compile-error.js";
import type { Traces } from "../errors/trace.js";
import type { Interrupts } from "../wire/interrupts.js";
import type { Cell } from "./cell.js";
import { execute } from "./execute.js";
import type { Modules } from "./modules.js";

/** What all cells of a notebook share: their variables, types and modules. */
export class Session {
  /** TypeScript declarations of everything that the cells so far have defined. */
  declarations = "";
  readonly #variables: Record<string, unknown> = {};

  constructor(
    readonly compiler: CellCompiler,
    readonly modules: Modules,
    readonly traces: Traces,
    readonly interrupts: Interrupts,
  ) {}

  /**
   * Compiles and runs code as part of a cell.
   *
   * @param name what traces call the code
   * @returns the value of its last expression, awaited; undefined when it ends otherwise
   * @throws {TypeScriptError} when it does not compile
   * @throws whatever the cell throws; what it defined before stays defined
   */
  async run(cell: Cell, code: string, name = cell.name): Promise<unknown> {
    const module = this.compiler.moduleName(code);
    if (module) {
      this.#requireNone(this.compiler.addModule(module, code), code, name);
      return undefined;
    }
    const compiled = this.compiler.compile(this.declarations, code);
    if (Array.isArray(compiled)) throw new TypeScriptError(compiled, code, name);
    this.traces.register(name, { ...compiled, code, lines: compiled.code.split("\n").length });
    this.modules.setLocal(compiled.localModules);
    const imports = [...compiled.imports, ...this.modules.localImports()];
    await Promise.race([this.modules.load(imports), cell.cutOff]);
    return this.#runCompiled(cell, name, compiled);
  }

  async #runCompiled(cell: Cell, name: string, compiled: CompiledCell): Promise<unknown> {
    const variables = this.#variables;
    const before = new Map(Object.entries(variables).filter(([key]) => compiled.names.has(key)));
    for (const key of before.keys()) delete variables[key];
    try {
      await execute(cell, { ...compiled, name }, this.#parameters(), this.interrupts);
    } catch (error) {
      const unreached = new Set([...compiled.names].filter((key) => !(key in variables)));
      for (const key of unreached) if (before.has(key)) variables[key] = before.get(key);
      this.declarations = keepDeclarations(this.declarations, compiled.declarations, unreached);
      throw error;
    }
    this.declarations = compiled.declarations;
    if (!compiled.resultName) return undefined;
    const value = variables[compiled.resultName];
    delete variables[compiled.resultName];
    return isPromise(value) ? Promise.race([value, cell.cutOff]) : value;
  }

  #parameters(): Record<(typeof CELL_PARAMETERS)[number], unknown> {
    const { modules } = this;
    return {
      exports: this.#variables,
      require: modules.require,
      __module: (specifier: string) => modules.get(specifier),
      __import: modules.import,
      __meta: modules.meta,
    };
  }

  #requireNone(diagnostics: ReturnType<CellCompiler["addModule"]>, code: string, name: string): void {
    if (diagnostics.length > 0) throw new TypeScriptError(diagnostics, code, name);
  }
}
