// @ts-check
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/**
 * A stamp is the last thing a step writes, inside the folder that it made: a step that was interrupted has none,
 * and deleting the folder deletes the stamp with it.
 *
 * @param {string} folder
 * @param {string} fingerprint of everything that the step's result depends on
 */
export function isStamped(folder, fingerprint) {
  const file = path.join(folder, ".posttrain-stamp");
  return existsSync(file) && readFileSync(file, "utf8") === fingerprint;
}

/**
 * @param {string} folder
 * @param {string} fingerprint
 */
export function stamp(folder, fingerprint) {
  writeFileSync(path.join(folder, ".posttrain-stamp"), fingerprint);
}

/**
 * @param {...(string | Buffer)} parts
 * @returns {string} SHA-256 in hexadecimal
 */
export function fingerprint(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}

/**
 * Makes a folder under a temporary name beside its place and moves it there when it is complete.
 *
 * @param {string} folder
 * @param {(temporary: string) => Promise<void>} fill
 */
export async function makeWhole(folder, fill) {
  const temporary = `${folder}.partial-${process.pid}`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  try {
    await fill(temporary);
    rmSync(folder, { recursive: true, force: true });
    renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
