import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Book } from "../../kernel-extensions/runner/book.js";
import { printNotebook } from "../../kernel-extensions/runner/notebook.js";
import { notebook } from "./notebooks.js";

let folder: string;
let book: Book;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "posttrain-book-"));
  book = new Book(folder, join(folder, "book"));
  for (const name of ["02-sft", "00-start-here", "01-model"])
    writeFileSync(join(folder, `${name}.ipynb`), printNotebook(notebook(`md:# ${name}`, "1")));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("Book.select", () => {
  it("means every notebook, in reading order, when nothing is asked for", () =>
    expect(book.select([])).toEqual(["00-start-here", "01-model", "02-sft"]));
  it("takes names, files and beginnings of names, in any order and twice", () =>
    expect(book.select(["02", "notebooks/00-start-here.ipynb", "02-sft"])).toEqual([
      "00-start-here",
      "02-sft",
    ]));
  it("says which notebooks there are when it knows none of that name", () =>
    expect(() => book.select(["03"])).toThrow(/called 03[\s\S]*00-start-here, 01-model, 02-sft/));
  it("says when there are none at all", () =>
    expect(() => new Book(join(folder, "nowhere"), folder).select([])).toThrow("no notebooks in"));
});

describe("Book", () => {
  it("keeps an executed notebook with how it was run, and says so on its page", () => {
    book.add("01-model", book.read("01-model"), { seconds: 12.3, backend: "native" });
    book.render();
    expect(readdirSync(book.folder).sort()).toEqual(["01-model.html", "01-model.ipynb", "index.html"]);
    expect(readFileSync(join(book.folder, "01-model.html"), "utf8")).toContain(
      "Executed in 12 s on the native backend",
    );
  });
  it("forgets a failure once the notebook runs", () => {
    book.addFailed("01-model", book.read("01-model"));
    expect(readdirSync(join(book.folder, "failed"))).toEqual(["01-model.ipynb"]);
    book.add("01-model", book.read("01-model"), { seconds: 1 });
    expect(readdirSync(join(book.folder, "failed"))).toEqual([]);
  });
});
