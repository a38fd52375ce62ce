import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What a folder is called while it is being written, and while a new one takes its place. */
const PARTIAL = ".partial";
const REPLACED = ".replaced";

/**
 * Writes a folder that is either complete or not there: under another name first, renamed when everything is
 * in it. An error or a kill in the middle leaves what was there before.
 *
 * @param folder the final name; an older folder of that name is replaced
 * @param write  writes the files into the folder it is given, flushed to the disk as `replaceFile` does
 */
export async function writeFolderAtomically(
  folder: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = folder + PARTIAL;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  try {
    await write(temporary);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  if (existsSync(folder)) {
    await rm(folder + REPLACED, { recursive: true, force: true });
    await rename(folder, folder + REPLACED);
  }
  await rename(temporary, folder);
  await flush(dirname(folder));
  await rm(folder + REPLACED, { recursive: true, force: true });
}

/** Complete folders in a parent, by the name they were written under. */
export async function completeFolders(parent: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const names = (await readdir(parent).catch(ignoreMissing)) ?? [];
  for (const name of names.sort()) {
    if (name.endsWith(PARTIAL)) continue;
    const finalName = basename(name, REPLACED);
    if (name === finalName || !names.includes(finalName)) found.set(finalName, join(parent, name));
  }
  return found;
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}
