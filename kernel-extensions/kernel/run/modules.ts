import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";

type Exports = Record<string, unknown>;

/**
 * Loads what cells import, from the root folder, the way Node loads the imports of an ES module.
 * Local TypeScript files arrive already compiled to CommonJS.
 */
export class Modules {
  readonly require: NodeJS.Require;
  /** `import(specifier)` as if written in a file of the root folder. */
  readonly import: (specifier: string) => Promise<Exports>;
  readonly meta: Pick<ImportMeta, "url" | "dirname" | "filename">;
  readonly #loaded = new Map<string, Exports>();
  readonly #localCode = new Map<string, string>();
  readonly #local = new Map<string, Exports>();

  constructor(readonly root: string) {
    const filename = join(root, "cell.mjs");
    this.meta = { url: pathToFileURL(filename).href, dirname: root, filename };
    this.require = createRequire(filename);
    const load = vm.runInThisContext("(specifier, options) => import(specifier, options)", {
      filename,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    this.import = (specifier) =>
      this.#isLocal(root, specifier) ? this.#importLocal(specifier) : load(specifier);
  }

  /** Takes over the newest code of local files. */
  setLocal(files: { path: string; data: string }[]): void {
    for (const { path, data } of files) this.#localCode.set(path, data);
    if (files.length > 0) this.#local.clear(); // files that import them run again, too
  }

  /** Loads `specifiers`, so that {@link get} has them. */
  async load(specifiers: Iterable<string>): Promise<void> {
    for (const specifier of specifiers) {
      if (this.#loaded.has(specifier) || this.#isLocal(this.root, specifier)) continue;
      this.#loaded.set(specifier, await this.#loadPackage(specifier));
    }
  }

  /** A module that is loaded already, or a local file, which loads at once. */
  get(specifier: string, folder = this.root): Exports {
    const local = this.#localPath(folder, specifier);
    if (local) return this.#runLocal(local);
    const loaded = this.#loaded.get(specifier);
    return loaded ?? (createRequire(join(folder, "cell.js"))(specifier) as Exports);
  }

  /** What the local files import besides each other. */
  localImports(): string[] {
    const calls = [...this.#localCode.values()].flatMap((code) => [
      ...code.matchAll(/\brequire\("([^"]+)"\)/g),
    ]);
    return calls.map(([, specifier = ""]) => specifier).filter((specifier) => !specifier.startsWith("."));
  }

  async #loadPackage(specifier: string): Promise<Exports> {
    if (specifier === "tslab") return createRequire(import.meta.url)("tslab");
    if (extname(specifier) === ".json") return asCommonJs({ default: this.require(specifier) });
    try {
      return asCommonJs(await this.import(specifier));
    } catch (error) {
      // TypeScript also accepts paths as bundlers and CommonJS do, such as "lodash/fp".
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== "ERR_MODULE_NOT_FOUND" && code !== "ERR_UNSUPPORTED_DIR_IMPORT") throw error;
      try {
        return this.require(specifier) as Exports;
      } catch {
        throw error;
      }
    }
  }

  async #importLocal(specifier: string): Promise<Exports> {
    return this.get(specifier);
  }

  #isLocal(folder: string, specifier: string): boolean {
    return this.#localPath(folder, specifier) !== undefined;
  }

  #localPath(folder: string, specifier: string): string | undefined {
    if (!specifier.startsWith(".")) return undefined;
    const path = join(folder, specifier);
    return [path, `${path}.js`, join(path, "index.js")].find((candidate) => this.#localCode.has(candidate));
  }

  #runLocal(path: string): Exports {
    const known = this.#local.get(path);
    if (known) return known;
    const module = { exports: {} as Exports };
    this.#local.set(path, module.exports);
    const run = vm.compileFunction(this.#localCode.get(path) ?? "", ["exports", "require", "module"], {
      filename: path,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER as never,
    });
    run(module.exports, (specifier: string) => this.get(specifier, dirname(path)), module);
    return module.exports;
  }
}

/** An ES module's namespace in the shape that compiled cells expect; names that only its default export has included. */
function asCommonJs(namespace: Exports): Exports {
  const module: Exports = Object.defineProperty({}, "__esModule", { value: true });
  const holder = namespace.default;
  const properties =
    (typeof holder === "object" && holder !== null) || typeof holder === "function" ? holder : {};
  for (const [source, names] of [
    [namespace, Object.keys(namespace)],
    [properties as Exports, Object.keys(properties)],
  ] as const)
    for (const name of names)
      if (!(name in module))
        Object.defineProperty(module, name, { enumerable: true, get: () => source[name] });
  return module;
}
