import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { cache } from "../scripts/setup/paths.mjs";
import { checkRequirements } from "../scripts/setup/requirements.mjs";
import { run } from "../scripts/setup/run.mjs";
import { fingerprint, isStamped, stamp } from "../scripts/setup/stamp.mjs";

const folder = path.join(cache, "reference");
const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));

/** The Python that has PyTorch, transformers, TRL and PEFT. */
export const referencePython = path.join(
  folder,
  process.platform === "win32" ? "Scripts/python.exe" : "bin/python",
);

/**
 * Makes the reference environment, which benchmarks, golden numbers and the round trip with PEFT share, unless it
 * is there with the pinned versions.
 *
 * @throws {SetupError} when there is no Python, or a package cannot be installed
 */
export async function setUpReference(say: (sentence: string) => void): Promise<void> {
  const wanted = fingerprint(readFileSync(requirements));
  if (isStamped(folder, wanted) && existsSync(referencePython)) return;
  say(`Installing PyTorch, transformers, TRL and PEFT into ${folder}: minutes, and 7 GB on Linux.`);
  rmSync(folder, { recursive: true, force: true });
  await run(checkRequirements().python, ["-m", "venv", folder]);
  const quietly = ["--quiet", "--disable-pip-version-check", "--no-compile"];
  await run(referencePython, ["-m", "pip", "install", ...quietly, "-r", requirements], {
    hint: "Check the network connection to the Python package index, then start again.",
  });
  stamp(folder, wanted);
}
