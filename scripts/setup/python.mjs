// @ts-check
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { venv, venvPython } from "./paths.mjs";
import { run } from "./run.mjs";
import { fingerprint, isStamped, stamp } from "./stamp.mjs";

const requirements = fileURLToPath(new URL("jupyter.txt", import.meta.url));

/**
 * `.venv` with the pinned JupyterLab.
 *
 * @param {string} python
 * @returns {Promise<string>}
 */
export async function installJupyter(python) {
  const wanted = fingerprint(readFileSync(requirements));
  if (isStamped(venv, wanted)) return "up to date";
  rmSync(venv, { recursive: true, force: true });
  await run(python, ["-m", "venv", venv], { hint: "On Debian and Ubuntu: sudo apt install python3-venv." });
  await run(
    venvPython,
    ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
    {
      hint: "Check the network connection to the Python package index, then start again.",
    },
  );
  stamp(venv, wanted);
  return "installed";
}
