// @ts-check
import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { root } from "./paths.mjs";
import { run } from "./run.mjs";

/**
 * `npm ci` when `node_modules` is missing or older than the lockfile. npm writes its own record of the tree last,
 * so an interrupted installation has none. Install scripts stay off: no package here needs one, and the one of
 * tfjs-node-gpu would fetch an old libtensorflow that `native.mjs` replaces.
 *
 * @returns {Promise<string>}
 */
export async function installPackages() {
  const record = path.join(root, "node_modules/.package-lock.json");
  const lockfile = path.join(root, "package-lock.json");
  if (existsSync(record) && statSync(record).mtimeMs >= statSync(lockfile).mtimeMs) return "up to date";
  await run(
    process.platform === "win32" ? "npm.cmd" : "npm",
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    {
      hint: "Check the network connection to the npm registry, then start again.",
    },
  );
  return "installed";
}
