import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { KERNELSPEC, type Notebook, parseNotebook } from "../../kernel-extensions/runner/notebook.js";

const folder = fileURLToPath(new URL("../../notebooks/", import.meta.url));
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".ipynb"))
  .sort();
const read = (name: string): string => readFileSync(`${folder}${name}`, "utf8");
const codeCells = ({ cells }: Notebook) => cells.filter((cell) => cell.cell_type === "code");
const isSolution = ({ metadata }: Notebook["cells"][number]): boolean =>
  Array.isArray(metadata.tags) && metadata.tags.includes("solution");

/** Markdown without what is not prose: code, formulas, addresses. */
const prose = (markdown: string): string =>
  markdown
    .replace(/```[\s\S]*?```|`[^`\n]*`/g, "")
    .replace(/\$\$[\s\S]*?\$\$|\$[^$\n]*\$/g, "")
    .replace(/\]\([^)]*\)|<[^>]*>/g, "");

/** Subjects whose formulas have a shorter label than the notebook's name. */
const SHORT: Record<string, string> = { "language-model": "LM", "intrinsic-rank": "IR" };

/** Labels that formulas define. */
const tags = (markdown: string): string[] =>
  [...markdown.matchAll(/\\tag\{([^}]+)\}/g)].map(([, tag]) => tag ?? "");

it("there is a course", () => {
  expect(names).toContain("00-start-here.ipynb");
});

describe.each(names)("%s", (name) => {
  const notebook = parseNotebook(read(name), name);
  const { cells, metadata } = notebook;
  const markdown = cells.filter((cell) => cell.cell_type === "markdown").map(({ source }) => source);

  it("is a notebook of format 4.5 for our kernel, every cell with an id of its own", () => {
    const { nbformat, nbformat_minor, cells: written } = JSON.parse(read(name));
    expect([nbformat, nbformat_minor]).toEqual([4, 5]);
    expect(metadata).toMatchObject(KERNELSPEC);
    const ids = written.map(({ id }: { id?: string }) => id);
    expect(ids).not.toContain(undefined);
    expect(new Set(ids).size).toBe(cells.length);
  });

  it("is kept without outputs", () => {
    const run = codeCells(notebook).filter(
      (cell) => cell.outputs.length > 0 || cell.execution_count !== null,
    );
    expect(run.map(({ id }) => id)).toEqual([]);
  });

  it("has at most ten lines in a cell, none of them empty or wider than a page", () => {
    for (const { id, source } of codeCells(notebook)) {
      const lines = source.split("\n");
      expect(lines.length, `lines of ${id}`).toBeLessThanOrEqual(10);
      expect(Math.max(...lines.map((line) => line.length)), `width of ${id}`).toBeLessThanOrEqual(120);
      expect(source.trim(), id).not.toBe("");
    }
  });

  it("says something before every cell", () => {
    const unexplained = cells.filter(
      (cell, index) => cell.cell_type === "code" && cells[index - 1]?.cell_type !== "markdown",
    );
    expect(unexplained.map(({ id }) => id)).toEqual([]);
  });

  it("begins with its number and title", () => {
    expect(markdown[0]).toMatch(new RegExp(`^# ${name.slice(0, 2)} · .+`));
  });

  it("speaks calmly: no exclamation marks, nothing left to do", () => {
    for (const text of markdown) {
      expect(prose(text)).not.toMatch(/[!！]/);
      expect(text).not.toMatch(/TODO|FIXME|lorem/i);
    }
  });

  it("labels every displayed formula, each label once", () => {
    const displayed = markdown.flatMap((text) => text.match(/\$\$[\s\S]*?\$\$/g) ?? []);
    expect(displayed.filter((formula) => tags(formula).length !== 1)).toEqual([]);
    const labels = displayed.flatMap(tags);
    expect(labels).toEqual([...new Set(labels)]);
  });

  it("imports the library by its own name, each name once", () => {
    const imported = codeCells(notebook).flatMap(({ source }) => [
      ...source.matchAll(/^import (?:type )?\{([^}]+)\} from "([^"]+)";?$/gm),
    ]);
    for (const [, , module] of imported) expect(module).not.toMatch(/^\.|src\/|dist\//);
    const bindings = imported.flatMap(([, list = ""]) => list.split(",").map((binding) => binding.trim()));
    expect(bindings).toEqual([...new Set(bindings)]);
  });

  it.skipIf(name.startsWith("00"))("ends with exercises, their solutions folded away", () => {
    const start = cells.findIndex(({ source }) => /^## Exercises$/m.test(source));
    expect(start).toBeGreaterThan(0);
    const exercises = markdown.filter((text) => /^\*\*Exercise \d/m.test(text));
    expect(exercises.length).toBeGreaterThanOrEqual(4);
    for (const cell of cells.slice(start).filter((cell) => cell.cell_type === "code")) {
      expect(isSolution(cell), `${cell.id} is a solution`).toBe(true);
      expect(cell.metadata, cell.id).toMatchObject({ jupyter: { source_hidden: true } });
    }
    expect(cells.slice(0, start).filter(isSolution)).toEqual([]);
  });
});

it("labels formulas of the library as its docstrings do, and only its own subject's anew", () => {
  const library = fileURLToPath(new URL("../../src/", import.meta.url));
  const sources = readdirSync(library, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  const known = new Set(sources.flatMap((file) => tags(readFileSync(`${library}${file}`, "utf8"))));
  for (const name of names) {
    const topic = name.slice(3, -".ipynb".length);
    const subject = SHORT[topic] ?? topic.toUpperCase();
    const used = parseNotebook(read(name), name).cells.flatMap(({ source }) => tags(source));
    const strange = used.filter((tag) => !known.has(tag) && !tag.startsWith(`${subject}-`));
    expect(strange, name).toEqual([]);
  }
});
