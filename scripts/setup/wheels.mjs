// @ts-check
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { venvPython } from "./paths.mjs";
import { run } from "./run.mjs";

const extractor = fileURLToPath(new URL("extract_wheel.py", import.meta.url));

/**
 * Downloads the wheels that a requirements file pins by SHA-256 (pip refuses any other content).
 *
 * @param {string} requirements file beside this one
 * @param {string} folder
 * @returns {Promise<string[]>} paths of the wheels
 */
export async function downloadWheels(requirements, folder) {
  const platforms = ["2_17", "2_27"].map((glibc) => `manylinux_${glibc}_x86_64`);
  platforms.push("manylinux2014_x86_64", "manylinux1_x86_64");
  await run(
    venvPython,
    [
      "-m",
      "pip",
      "download",
      "--quiet",
      "--disable-pip-version-check",
      "--no-deps",
      "--require-hashes",
    ].concat(
      ["--only-binary=:all:", "--python-version=311", "--dest", folder],
      platforms.flatMap((platform) => ["--platform", platform]),
      ["-r", fileURLToPath(new URL(requirements, import.meta.url))],
    ),
    { hint: "Check the network connection to the Python package index, then start again." },
  );
  return readdirSync(folder)
    .filter((name) => name.endsWith(".whl"))
    .map((name) => path.join(folder, name));
}

/**
 * Unpacks the members of a zip archive whose name matches a pattern, without the part that the first group captures.
 *
 * @param {string} archive
 * @param {string} pattern Python regular expression
 * @param {string} folder
 */
export async function extract(archive, pattern, folder) {
  await run(venvPython, [extractor, archive, pattern, folder]);
}
