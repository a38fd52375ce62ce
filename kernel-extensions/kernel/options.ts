import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

export interface LaunchOptions {
  /** Jupyter's connection file: ports, key, signature scheme. */
  connectionFile: string;
  /** The folder whose packages and files the cells import; also the working directory. */
  root: string;
}

export const USAGE = "usage: node launch.js --connection-file <file> [--root <folder>]";

/**
 * Reads the kernel's command line, `--connection-file <file> [--root <folder>]`.
 *
 * @throws {TypeError} when an option is unknown or its value missing
 * @throws {Error} when the connection file or the root folder does not exist
 */
export function parseLaunchOptions(args: string[], defaultRoot: string): LaunchOptions {
  const { values } = parseArgs({
    args,
    options: { "connection-file": { type: "string" }, root: { type: "string", default: defaultRoot } },
  });
  const connectionFile = values["connection-file"];
  if (!connectionFile) throw new Error(USAGE);
  for (const path of [connectionFile, values.root])
    if (!existsSync(path)) throw new Error(`${path} does not exist\n${USAGE}`);
  return { connectionFile: resolve(connectionFile), root: resolve(values.root) };
}
