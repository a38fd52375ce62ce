// @ts-check
import { execFileSync } from "node:child_process";
import { SetupError } from "./run.mjs";

const oldestNode = [20, 19];
const oldestPython = [3, 10];

/**
 * The three tools that must already be there. A missing compiler is no error: the native backend is left out.
 *
 * @returns {{ python: string, compiler: string | undefined, sentence: string }}
 */
export function checkRequirements() {
  if (isOlder(process.versions.node.split(".").map(Number), oldestNode)) {
    throw new SetupError(
      `Node ${process.versions.node} is too old; Posttrain needs ${oldestNode.join(".")} or newer.`,
      "Install a current LTS release from nodejs.org, or with your version manager (nvm install --lts).",
    );
  }
  const { python, version } = findPython();
  const compiler = ["c++", "g++", "clang++"].find((name) => answers(name, ["--version"]));
  const sentence = `Node ${process.versions.node}, Python ${version}, ${compiler ? `compiler ${compiler}` : "no C++ compiler"}`;
  return { python, compiler, sentence };
}

function findPython() {
  let found = "";
  for (const python of ["python3", "python", "python3.13", "python3.12", "python3.11", "python3.10"]) {
    const version = answers(python, ["-c", "import platform; print(platform.python_version())"])?.trim();
    if (!version) continue;
    found ||= version;
    if (isOlder(version.split(".").map(Number), oldestPython)) continue;
    if (answers(python, ["-c", "import venv, ensurepip"]) === undefined) {
      throw new SetupError(
        `Python ${version} is there, but its venv module is not.`,
        "On Debian and Ubuntu: sudo apt install python3-venv. Other systems ship it with Python.",
      );
    }
    return { python, version };
  }
  throw new SetupError(
    found
      ? `Python ${found} is too old; ${oldestPython.join(".")} or newer is needed.`
      : "Python is missing.",
    "Install Python 3.10 or newer: sudo apt install python3 python3-venv, brew install python, or python.org.",
  );
}

/**
 * @param {string} command
 * @param {string[]} args
 * @returns {string | undefined} what it printed, or undefined when it is missing or fails
 */
export function answers(command, args) {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return undefined;
  }
}

/**
 * @param {number[]} version
 * @param {number[]} oldest
 */
function isOlder([major = 0, minor = 0], [oldestMajor = 0, oldestMinor = 0]) {
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}
