import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { printNotebook } from "../../kernel-extensions/runner/notebook.js";
import { isAlive, notebook, until } from "./notebooks.js";

const MAIN = fileURLToPath(new URL("../../dist-kernel/runner/main.js", import.meta.url));

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "posttrain-book-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (name: string, ...sources: string[]) =>
  writeFileSync(at(`${name}.ipynb`), printNotebook(notebook(...sources)));

/** Starts the runner on the notebooks of the test's folder. */
function launch(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, "--notebooks", folder, "--out", at("book"), ...args]);
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (data) => {
    said.stdout += data;
  });
  child.stderr.on("data", (data) => {
    said.stderr += data;
  });
  const ended = new Promise<{ code: number | null } & typeof said>((resolve) =>
    child.on("close", (code) => resolve({ code, ...said })),
  );
  return { child, ended };
}

describe("npm run notebooks", { timeout: 120_000 }, () => {
  it("makes a book: executed notebooks, a page each, an index, a table, a report", async () => {
    put("00-start", "md:# Start here\n\nA tour.", "1 + 1");
    put("01-model", "md:# The model", "console.log('hello')");
    const { code, stdout, stderr } = await launch("--report", at("report.json")).ended;
    expect([code, stderr]).toEqual([0, ""]);
    expect(readdirSync(at("book")).sort()).toEqual(
      ["00-start.html", "00-start.ipynb", "01-model.html", "01-model.ipynb", "index.html"].sort(),
    );
    expect(stdout).toMatch(
      /^notebook +cells +seconds +backend\n00-start +1 +[\d.]+ +–\n01-model +1 +[\d.]+ +–\n$/,
    );
    expect(JSON.parse(readFileSync(at("report.json"), "utf8"))).toMatchObject({ passed: 2, failed: 0 });
    expect(readFileSync(at("book/00-start.html"), "utf8")).toContain('href="01-model.html"');
    expect(readFileSync(at("book/index.html"), "utf8")).toContain("A tour.");
  });

  it("fails with the cell and its trace, goes on with the others, and leaves the book as it was", async () => {
    put("00-a", "console.log('so far')", "const broken: number = 'text';");
    put("01-b", "await new Promise(() => {})");
    put("02-c", "1");
    mkdirSync(at("book"));
    writeFileSync(at("book/00-a.ipynb"), printNotebook(notebook("'an earlier run'")));
    const before = readFileSync(at("book/00-a.ipynb"), "utf8");
    const { code, stdout, stderr } = await launch("--timeout", "5").ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/00-a failed at code cell 2:[\s\S]*1 │ const broken[\s\S]*not assignable/);
    expect(stderr).toMatch(/01-b failed at code cell 1:[\s\S]*did not end within 5 s/);
    expect(stdout).toMatch(/00-a +1 .*failed at cell 2\n01-b +0 .*failed at cell 1\n02-c +1 /);
    expect(readFileSync(at("book/00-a.ipynb"), "utf8")).toBe(before);
    expect(readFileSync(at("book/failed/00-a.ipynb"), "utf8")).toContain("so far");
    expect(existsSync(at("book/01-b.ipynb"))).toBe(false);
  });

  it.each([
    ["a name that is none", ["nonsense"], "There are 00-a"],
    ["an unknown option", ["--fast"], "--fast"],
    ["a time that is none", ["--timeout", "soon"], "soon"],
  ])("refuses %s without a stack trace", async (_, args, hint) => {
    put("00-a", "1");
    const { code, stderr } = await launch(...args).ended;
    expect(code).toBe(2);
    expect(stderr).toContain(hint);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it("names a damaged notebook", async () => {
    writeFileSync(at("00-a.ipynb"), '{"cells": [');
    const { code, stderr } = await launch().ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining("00-a.ipynb is not JSON")]);
  });

  it.each([
    ["SIGINT", ["00-a"]],
    ["SIGTERM", []],
  ] as const)("ends on %s without a kernel or half a file left behind", async (signal, finished) => {
    for (const name of finished) put(name, "1");
    const tell = `(await import("node:fs")).writeFileSync(${JSON.stringify(at("pid"))}, String(process.pid));`;
    put("01-b", `${tell}\nawait new Promise(() => {});`);
    const { child, ended } = launch();
    await until(() => existsSync(at("pid")) && readFileSync(at("pid"), "utf8") !== "");
    child.kill(signal);
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([130, `Stopped by ${signal}.\n`]);
    expect(isAlive(Number(readFileSync(at("pid"), "utf8")))).toBe(false);
    const pages = finished.flatMap((name) => [`${name}.html`, `${name}.ipynb`]);
    expect(readdirSync(at("book")).sort()).toEqual([...pages, "index.html"]);
  });
});
