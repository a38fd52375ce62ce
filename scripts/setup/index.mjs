// @ts-check
import { buildLibrary } from "./build.mjs";
import { installExtensions } from "./jupyter.mjs";
import { fetchModels } from "./models.mjs";
import { buildNative } from "./native.mjs";
import { installPackages } from "./packages.mjs";
import { installJupyter } from "./python.mjs";
import { checkRequirements } from "./requirements.mjs";
import { SetupError } from "./run.mjs";

/**
 * Everything that a fresh clone needs, in order. Every step finds out by itself whether it has been done,
 * so a second run takes a moment, and an interrupted one is taken up where it stopped.
 */
export async function setUp() {
  const { python, compiler } = await step("requirements", async () => {
    const found = checkRequirements();
    return { ...found, result: found.sentence };
  });
  await step("npm packages", installPackages);
  await step("JupyterLab in .venv", () => installJupyter(python));
  await step("native TensorFlow.js", () => buildNative(compiler));
  await step("SmolLM2-135M and MiniLM", fetchModels);
  await step("library and kernel", buildLibrary);
  await step("kernelspec and renderer", installExtensions);
}

let count = 0;
const total = 7;

/**
 * Runs one step with its progress line. A failure ends the program with its reason and what to do about it.
 *
 * @template {string | { result: string }} T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function step(name, work) {
  count += 1;
  const line = `[${count}/${total}] ${name.padEnd(24)}`;
  const isTerminal = process.stdout.isTTY;
  if (isTerminal) process.stdout.write(`${line} …`);
  const start = performance.now();
  try {
    const outcome = await work();
    const seconds = (performance.now() - start) / 1000;
    const result = typeof outcome === "string" ? outcome : outcome.result;
    const took = seconds >= 1 ? ` (${seconds.toFixed(0)} s)` : "";
    process.stdout.write(`${isTerminal ? "\r\u001b[K" : ""}${line} ${result}${took}\n`);
    return outcome;
  } catch (error) {
    process.stdout.write(isTerminal ? "\n" : `${line} failed\n`);
    const { message, hint = "" } = error instanceof SetupError ? error : { message: String(error) };
    process.stderr.write(`\n${message}\n${hint ? `→ ${hint}\n` : ""}`);
    process.exit(1);
  }
}
