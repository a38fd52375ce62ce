import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Brings `dist/` up to date: the cases use the package as it is published. Quick when nothing changed. */
export function buildLibrary(): void {
  const compiler = "node_modules/typescript/bin/tsc";
  const { status, stdout } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0)
    console.warn(`The library has type errors; what was built is timed all the same:\n${stdout}`);
}
