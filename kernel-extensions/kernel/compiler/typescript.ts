import Module, { createRequire } from "node:module";
import ts from "typescript";
import { type CommonJs, toCommonJs } from "./commonjs.js";
import { forkFunctions } from "./fork.js";
import { internals } from "./internals.js";
import { cellProgram, type EmittedModule } from "./program.js";

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
  let module: EmittedModule | undefined;
  let emitted: Emitted | undefined;

  const createProgram = cellProgram((latest) => {
    module = latest;
  });
  const createWatchCompilerHost = (files: string[], options: ts.CompilerOptions, system: ts.System) =>
    ts.createWatchCompilerHost(
      files,
      cellOptions(options, ambientTypes),
      system,
      createProgram,
      ignore,
      ignore,
    );

  const transpileModule: typeof ts.transpileModule = (code, options) => {
    if (code !== module?.code) return ts.transpileModule(code, options); // a local .ts file that a cell imports
    emitted = { ...toCommonJs(code, options), moduleMap: module.map, names: module.names };
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
  const fork = new Module(forkPath);
  Object.assign(fork, { filename: forkPath, loaded: true, exports: substitute });
  require.cache[forkPath] = fork;

  return () => {
    if (!emitted) throw new Error("No cell has been compiled yet");
    return emitted;
  };
}

// Errors come with each cell; the watcher itself has nothing to say.
const ignore = () => {};

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
