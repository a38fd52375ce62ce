// @ts-check
// npm test: sets everything up, runs every test, executes every notebook, and ends with "N passed, N failed".
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setUp } from "./setup/index.mjs";
import { root } from "./setup/paths.mjs";
import { attach } from "./setup/run.mjs";

await setUp();
const folder = mkdtempSync(path.join(os.tmpdir(), "posttrain-test-"));
const counts = { passed: 0, failed: 0, skipped: 0 };

const vitest = path.join(root, "node_modules/vitest/vitest.mjs");
for (const project of ["unit", "system"]) {
  const file = path.join(folder, `${project}.json`);
  const exitCode = await attach(process.execPath, [
    ...[vitest, "run", "--project", project],
    ...["--reporter=default", "--reporter=json", `--outputFile.json=${file}`],
  ]);
  const tests = readReport(file);
  counts.passed += tests?.numPassedTests ?? 0;
  counts.skipped += (tests?.numPendingTests ?? 0) + (tests?.numTodoTests ?? 0);
  // A file that does not even load has no failed test to count, but it has failed.
  counts.failed += Math.max(tests?.numFailedTests ?? 0, exitCode === 0 ? 0 : 1);
}

const notebookReport = path.join(folder, "notebooks.json");
const notebookExit = await attach(process.execPath, [
  path.join(root, "dist-kernel/runner/main.js"),
  "--report",
  notebookReport,
]);
const notebooks = readReport(notebookReport);
counts.passed += notebooks?.passed ?? 0;
counts.failed += Math.max(notebooks?.failed ?? 0, notebookExit === 0 ? 0 : 1);

rmSync(folder, { recursive: true, force: true });
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed === 0 ? 0 : 1;

/** @param {string} file */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // the run ended before it could write one; its exit code says the rest
  }
}
