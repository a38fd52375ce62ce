// @ts-check
// npm test: sets everything up, runs every test, executes every notebook, and ends with "N passed, N failed".
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setUp } from "./setup/index.mjs";
import { root } from "./setup/paths.mjs";
import { attach, run } from "./setup/run.mjs";

await setUp();
// Python's PEFT takes part in the tests. What it needs is installed before any of their time limits runs; when it
// cannot be, the tests that need it say so.
await attach(process.execPath, ["--import", "tsx", path.join(root, "bench/main.ts"), "--setup"]);
const folder = mkdtempSync(path.join(os.tmpdir(), "posttrain-test-"));
const counts = { passed: 0, failed: 0, skipped: 0 };

const vitest = path.join(root, "node_modules/vitest/vitest.mjs");
await runTests("unit");
// Each file that starts processes gets a test runner of its own, so that one that hangs takes no other with it.
const list = path.join(folder, "files.json");
await run(process.execPath, [vitest, "list", "--filesOnly", `--json=${list}`, "--project", "system"]);
for (const { file } of JSON.parse(readFileSync(list, "utf8")))
  await runTests("system", path.relative(root, file));

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

/**
 * Runs the tests of a project, or one file of it, and counts them. A runner that does nothing for ten minutes hangs:
 * it is stopped and started once more.
 *
 * @param {string} project
 * @param {...string} files
 */
async function runTests(project, ...files) {
  const report = path.join(folder, "tests.json");
  const args = [
    vitest,
    "run",
    "--project",
    project,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ];
  let exitCode = 124;
  for (let attempt = 1; exitCode === 124 && attempt <= 2; attempt++) {
    rmSync(report, { force: true });
    exitCode = await attach(process.execPath, [...args, ...files], { minutes: 10 });
    if (exitCode === 124) console.log(`${[project, ...files].join(" ")}: stopped after ten minutes`);
  }
  const tests = readReport(report);
  counts.passed += tests?.numPassedTests ?? 0;
  counts.skipped += (tests?.numPendingTests ?? 0) + (tests?.numTodoTests ?? 0);
  // A file that does not even load has no failed test to count, but it has failed.
  counts.failed += Math.max(tests?.numFailedTests ?? 0, exitCode === 0 ? 0 : 1);
}

/** @param {string} file */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // the run ended before it could write one; its exit code says the rest
  }
}
