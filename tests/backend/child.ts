import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Refuses to resolve what is named in HIDDEN_PACKAGES, as if it had never been installed. */
const HIDE_PACKAGES = `
const Module = require("node:module");
const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) => {
  if (process.env.HIDDEN_PACKAGES.split(",").filter(Boolean).some((hidden) => name.includes(hidden)))
    throw Object.assign(new Error("Cannot find module '" + name + "'"), { code: "MODULE_NOT_FOUND" });
  return resolve(name, ...rest);
};`;

/** The backend room as plain JavaScript in a folder of its own, to be run by a process of its own. */
export class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), "posttrain-backend-"));

  constructor() {
    symlinkSync(join(root, "node_modules"), join(this.folder, "node_modules"));
    writeFileSync(join(this.folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(this.folder, "hide.cjs"), HIDE_PACKAGES);
    const backend = readdirSync(join(root, "src/backend"), { recursive: true, encoding: "utf8" });
    for (const file of ["errors.ts", ...backend.map((name) => join("backend", name))]) {
      if (file.endsWith(".ts")) this.#translate(file);
    }
  }

  /** Runs a script in which `tf`, `useBackend` and the like are in scope. */
  run(script: string, { hidden = [], ...env }: { hidden?: string[]; [variable: string]: unknown } = {}) {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        "--require",
        "./hide.cjs",
        "--input-type=module",
        "--eval",
        `import * as backend from "./backend/index.js";
        const { tf, useBackend, check } = backend; ${script}`,
      ],
      {
        cwd: this.folder,
        encoding: "utf8",
        timeout: 60_000,
        env: {
          ...process.env,
          POSTTRAIN_BACKEND: "",
          HIDDEN_PACKAGES: hidden.join(","),
          ...env,
        } as NodeJS.ProcessEnv,
      },
    );
    return { status, stdout: stdout.trim(), stderr: stderr.trim() };
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true });
  }

  #translate(file: string): void {
    const { outputText } = ts.transpileModule(readFileSync(join(root, "src", file), "utf8"), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2022,
        verbatimModuleSyntax: true,
      },
    });
    const target = join(this.folder, file.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
}
