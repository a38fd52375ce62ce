import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Brings `dist/` up to date: the cases use the package as it is published. */
export function buildLibrary(): void {
  if (newest("dist", ".js") > newest("src", ".ts")) return;
  const compiler = "node_modules/typescript/bin/tsc";
  const { status, stdout } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0)
    console.warn(`The library has type errors; what was built is timed all the same:\n${stdout}`);
}

/** When the file changed last that changed last; 0 when there is none. */
function newest(folder: string, ending: string): number {
  try {
    const files = readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" });
    const times = files
      .filter((file) => file.endsWith(ending))
      .map((file) => statSync(path.join(root, folder, file)).mtimeMs);
    return Math.max(0, ...times);
  } catch {
    return 0;
  }
}
