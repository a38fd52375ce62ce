import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { checkRequirements } from "../scripts/setup/requirements.mjs";

const execute = promisify(execFile);
const folder = fileURLToPath(new URL("../.venv-reference/", import.meta.url));
const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));

/** The Python that has PyTorch, transformers, TRL and PEFT. */
export const referencePython = path.join(
  folder,
  process.platform === "win32" ? "Scripts/python.exe" : "bin/python",
);

/** Makes the reference environment unless it is there with the pinned versions. */
export async function setUpReference(say: (sentence: string) => void): Promise<void> {
  const wanted = pins(readFileSync(requirements, "utf8"));
  if (isComplete(wanted, await installed([...wanted.keys()]))) return;
  say(
    "Installing PyTorch, transformers, TRL and PEFT into .venv-reference; this takes minutes and gigabytes.",
  );
  if (!existsSync(referencePython)) {
    rmSync(folder, { recursive: true, force: true });
    await execute(checkRequirements().python, ["-m", "venv", folder]);
  }
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
  await execute(referencePython, install, { maxBuffer: 1 << 26 });
}

/** Names and versions of the lines `name==version`. */
export function pins(text: string): Map<string, string> {
  const lines = text.split("\n").filter((line) => line.includes("=="));
  return new Map(lines.map((line) => line.trim().split("==") as [string, string]));
}

const isComplete = (wanted: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): boolean =>
  [...wanted].every(([name, version]) => found.get(name) === version);

const LIST = `
import sys
from importlib.metadata import version, PackageNotFoundError
for name in sys.argv[1:]:
    try: print(f"{name}=={version(name)}")
    except PackageNotFoundError: pass
`;

/** What is installed of these packages; nothing when the environment is missing or broken. */
async function installed(names: readonly string[]): Promise<Map<string, string>> {
  try {
    const { stdout } = await execute(referencePython, ["-c", LIST, ...names]);
    return pins(stdout);
  } catch {
    return new Map();
  }
}
