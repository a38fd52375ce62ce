// @ts-check
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { root } from "./paths.mjs";
import { run } from "./run.mjs";
import { fingerprint, isStamped, stamp } from "./stamp.mjs";

/**
 * `dist/` and `dist-kernel/`: the library and the kernel as JavaScript. Rebuilt when a source has changed.
 *
 * @returns {Promise<string>}
 */
export async function buildLibrary() {
  const files = ["src", "kernel-extensions"]
    .flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true }).map((name) =>
        path.join(folder, String(name)),
      ),
    )
    .filter((name) => name.endsWith(".ts"))
    .concat("tsconfig.json", "tsconfig.build.json", "tsconfig.kernel.json", "package.json")
    .sort();
  const wanted = fingerprint(...files.flatMap((file) => [file, readFileSync(path.join(root, file))]));
  const dist = path.join(root, "dist");
  if (isStamped(dist, wanted) && existsSync(path.join(root, "dist-kernel"))) return "up to date";
  rmSync(path.join(dist, ".posttrain-stamp"), { force: true });
  await run(process.platform === "win32" ? "npm.cmd" : "npm", ["run", "--silent", "build"]);
  stamp(dist, wanted);
  return "built";
}
