// @ts-check
// Our side of a comparison: a plain Node program that uses the package as any user would. It is JavaScript, so
// that its peak memory is the library's and not that of a TypeScript loader.
//
// Reads one JSON line with the task, then one line a turn, and answers each with one line.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { tf, useBackend } from "posttrain/backend";
import { prepareGeneration } from "./generate.mjs";
import { prepareLoading } from "./load.mjs";
import { prepareProduct } from "./multiply.mjs";
import { prepareTraining } from "./train.mjs";

/** @typedef {import("../types.js").Task} Task */
/** @typedef {import("../types.js").RunTurn} RunTurn */

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { task, backend, compile } = await read();
const { version, device } = await useBackend(backend);
const run = await prepare(task, compile);
write({
  versions: { Node: process.versions.node, "TensorFlow.js": tf.version.tfjs, backend: version },
  device,
});

for (let turn = await read(); turn; turn = await read()) {
  const began = performance.now();
  const outcome = await run(turn.count);
  write({ seconds: (performance.now() - began) / 1000, outcome, peakBytes: peakBytes() });
}
process.exit(0);

/**
 * @param {Task} task
 * @param {boolean} compile
 * @returns {Promise<RunTurn>}
 */
function prepare(task, compile) {
  if (task.kind === "train") return prepareTraining(task, compile);
  if (task.kind === "generate") return prepareGeneration(task);
  if (task.kind === "load") return prepareLoading(task);
  return prepareProduct(task);
}

async function read() {
  const { value, done } = await lines.next();
  return done ? undefined : JSON.parse(value);
}

/** @param {object} message */
function write(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** The most memory this process ever had resident. */
function peakBytes() {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
