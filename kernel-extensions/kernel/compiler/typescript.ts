import Module, { createRequire } from "node:module";
import ts from "typescript";
import { type CommonJs, toCommonJs } from "./commonjs.js";
import { forkFunctions } from "./fork.js";
import { internals } from "./internals.js";
import { previousReferences } from "./previous.js";
import { exportedNames, promoteVariables } from "./promote.js";

/** What the last compiled cell became, beside the code that tslab returns. */
export interface Emitted extends CommonJs {
  /** Source map from the ES module to the cell. */
  moduleMap: string;
  /** Variables, functions, classes, enums and imports that the cell defines. */
  names: Set<string>;
}

/**
 * Lets tslab's converter find the stock TypeScript where it looks for its own fork, with compiler options for
 * today's packages and with cells rewritten so that they share variables. Call it before the converter is loaded.
 *
 * @param ambientTypes folder of type packages that every cell sees without importing them
 * @returns a function that tells what the last compiled cell became
 */
export function installTypeScript(ambientTypes: string): () => Emitted {
  let moduleCode = "";
  let moduleMap = "";
  let names = new Set<string>();
  let emitted: Emitted | undefined;

  const createWatchCompilerHost = (files: unknown, options: ts.CompilerOptions, ...rest: unknown[]) => {
    const create = ts.createWatchCompilerHost as (...args: unknown[]) => ts.WatchCompilerHost<CellBuilder>;
    const host = create(files, cellOptions(options, ambientTypes), ...rest);
    let notify = host.afterProgramCreate;
    // tslab keeps the builder it gets here and later calls its `emit`.
    Object.defineProperty(host, "afterProgramCreate", {
      get: () => notify,
      set: (listener: typeof notify) => {
        notify = (builder) =>
          listener?.(
            withCellEmit(builder, (code, map, defined) => {
              moduleCode = code;
              moduleMap = map;
              names = defined;
            }),
          );
      },
    });
    return host;
  };

  const transpileModule: typeof ts.transpileModule = (code, options) => {
    if (code !== moduleCode) return ts.transpileModule(code, options); // a local .ts file that a cell imports
    emitted = { ...toCommonJs(code, options), moduleMap, names };
    return { outputText: emitted.code, sourceMapText: emitted.sourceMap };
  };

  const substitute = {
    ...internals,
    ...forkFunctions,
    sys: withFewWatchers(ts.sys),
    createWatchCompilerHost,
    transpileModule,
    __esModule: true,
  };
  const require = createRequire(import.meta.url);
  const forkPath = createRequire(require.resolve("tslab")).resolve("@tslab/typescript-for-tslab");
  const module = new Module(forkPath);
  Object.assign(module, { filename: forkPath, loaded: true, exports: substitute });
  require.cache[forkPath] = module;

  return () => {
    if (!emitted) throw new Error("No cell has been compiled yet");
    return emitted;
  };
}

type OnCell = (code: string, map: string, names: Set<string>) => void;
type CellBuilder = ts.EmitAndSemanticDiagnosticsBuilderProgram;

function cellOptions(options: ts.CompilerOptions, ambientTypes: string): ts.CompilerOptions {
  // Options of tslab that TypeScript 5.9 no longer knows.
  const { noImplicitUseStrict: _, disableTopLevelAwait: __, ...known } = options;
  return {
    ...known,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.esnext.d.ts"],
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    strict: true,
    checkJs: false,
    sourceMap: true,
    typeRoots: [...(options.typeRoots ?? []), ambientTypes],
  };
}

/** The builder with an `emit` that applies our rewriting and always writes declarations. */
function withCellEmit(builder: CellBuilder, onCell: OnCell): CellBuilder {
  const emit: CellBuilder["emit"] = (target, writeFile, cancellation, _onlyDeclarations, transformers) => {
    const program = builder.getProgram();
    const isCell = target?.fileName.endsWith("/__tslab__.ts") ?? false;
    const declarations = program.getSourceFiles().find(({ fileName }) => fileName.endsWith("/__prev__.d.ts"));
    const written = new Map<string, string>();
    let names = new Set<string>();
    const collectNames: ts.TransformerFactory<ts.SourceFile> = () => (file) => {
      names = exportedNames(file);
      return file;
    };
    const forced = program.emit as (...args: unknown[]) => ts.EmitResult;
    const result = forced(
      target,
      (name: string, text: string) =>
        written.set(name, text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n")),
      cancellation,
      undefined,
      isCell && {
        before: [previousReferences(program.getTypeChecker(), declarations)],
        after: [...(transformers?.after ?? []), collectNames, promoteVariables],
        afterDeclarations: transformers?.afterDeclarations,
      },
      true, // declarations even where a type has no public name: it becomes `any` rather than an error
    );
    for (const [name, text] of written) {
      if (name.endsWith(".map")) continue;
      if (isCell && name.endsWith(".js")) onCell(text, written.get(`${name}.map`) ?? "", names);
      writeFile?.(name, text, false);
    }
    return result;
  };
  return Object.assign(Object.create(builder) as CellBuilder, { emit });
}

/** Watches the author's own files only: packages do not change under a running kernel. */
function withFewWatchers(sys: ts.System): ts.System {
  const none: ts.FileWatcher = { close() {} };
  return {
    ...sys,
    watchFile: (path, ...rest) =>
      /\/node_modules\/|\.d\.[cm]?ts$|package\.json$/.test(path) || !sys.watchFile
        ? none
        : sys.watchFile(path, ...rest),
    watchDirectory: () => none,
  };
}
