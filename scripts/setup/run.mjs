// @ts-check
import { spawn } from "node:child_process";
import { root } from "./paths.mjs";

/** A step that cannot go on: what happened, and what the reader can do. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {string} hint
   */
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/**
 * Runs a program to its end and returns what it printed. Its output is shown only when it fails.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, hint?: string }} [options]
 * @returns {Promise<string>}
 */
export function run(command, args, { cwd = root, env = {}, hint = "" } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const keep = (/** @type {Buffer} */ chunk) => {
      output += chunk.toString();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (cause) =>
      reject(new SetupError(`${command} could not be started: ${cause.message}`, hint)),
    );
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else {
        const lastLines = output.trimEnd().split("\n").slice(-15).join("\n");
        reject(
          new SetupError(`${command} ${args[0] ?? ""} ended with ${signal ?? code}\n${lastLines}`, hint),
        );
      }
    });
  });
}

/**
 * Runs a program that talks to the user itself, and returns its exit code, or 124 when it had to be stopped.
 * Ctrl-C reaches the child through the terminal; we only wait for it to finish.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, minutes?: number }} [options] `minutes` is its limit
 * @returns {Promise<number>}
 */
export function attach(command, args, { cwd = root, env = {}, minutes } = {}) {
  const ignore = () => {};
  process.on("SIGINT", ignore);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: "inherit" });
    const terminate = () => child.kill("SIGTERM");
    process.on("SIGTERM", terminate);
    let late = false;
    const stop = () => {
      late = true;
      child.kill("SIGKILL");
    };
    const limit = minutes === undefined ? undefined : setTimeout(stop, minutes * 60_000);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(limit);
      process.off("SIGINT", ignore);
      process.off("SIGTERM", terminate);
      resolve(late ? 124 : (code ?? 1));
    });
  });
}
