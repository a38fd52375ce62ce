import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { NotebookError } from "./errors.js";
import { type Chapter, leadOf, renderIndex, renderPage, titleOf } from "./html/page.js";
import { type Notebook, parseNotebook, printNotebook } from "./notebook.js";

/** How a notebook of the book was run; kept in its metadata. */
const runNote = z.object({ seconds: z.number(), backend: z.string().optional() });

/** The course's notebooks in a folder, and the book that their execution makes in another. */
export class Book {
  constructor(
    readonly notebooks: string,
    readonly folder: string,
  ) {}

  /** Names of all notebooks in reading order, without extension. */
  names(): string[] {
    if (!existsSync(this.notebooks)) return [];
    const files = readdirSync(this.notebooks).filter((file) => file.endsWith(".ipynb"));
    return files.map((file) => basename(file, ".ipynb")).sort();
  }

  /**
   * The notebooks that a reader asked for, in reading order: by name, by file or by the beginning of the name.
   * All of them when nothing was asked for.
   * @throws {NotebookError} when a name fits none, or there are no notebooks
   */
  select(wanted: readonly string[]): string[] {
    const names = this.names();
    if (names.length === 0)
      throw new NotebookError(`There are no notebooks in ${this.notebooks}.`, {
        code: "runner/no-notebooks",
        hint: "Pass another folder with --notebooks.",
      });
    const chosen = wanted.flatMap((word) => {
      const name = basename(word, ".ipynb");
      const fitting = names.includes(name) ? [name] : names.filter((other) => other.startsWith(name));
      if (fitting.length > 0) return fitting;
      throw new NotebookError(`There is no notebook called ${word}.`, {
        code: "runner/unknown-notebook",
        value: word,
        hint: `There are ${names.join(", ")}.`,
      });
    });
    return wanted.length === 0 ? names : names.filter((name) => chosen.includes(name));
  }

  /** @throws {NotebookError} when the file is not a notebook */
  read(name: string): Notebook {
    const file = join(this.notebooks, `${name}.ipynb`);
    return parseNotebook(readFileSync(file, "utf8"), file);
  }

  /** Keeps an executed notebook. */
  add(name: string, notebook: Notebook, run: z.infer<typeof runNote>): void {
    const metadata = { ...notebook.metadata, posttrain: run };
    this.#write(`${name}.ipynb`, printNotebook({ ...notebook, metadata }));
    this.#remove(join("failed", `${name}.ipynb`));
  }

  /** Keeps what a notebook printed before it failed, beside the book and not in it. */
  addFailed(name: string, notebook: Notebook): string {
    return this.#write(join("failed", `${name}.ipynb`), printNotebook(notebook));
  }

  /** Writes a page for every executed notebook, and the index. */
  render(): void {
    const chapters = this.names().map((name): Chapter => {
      const notebook = this.read(name);
      const present = existsSync(join(this.folder, `${name}.ipynb`));
      return { name, title: titleOf(notebook, name), lead: leadOf(notebook), present };
    });
    for (const { name } of chapters.filter(({ present }) => present)) {
      const file = join(this.folder, `${name}.ipynb`);
      const notebook = parseNotebook(readFileSync(file, "utf8"), file);
      this.#write(`${name}.html`, renderPage(notebook, name, chapters, describeRun(notebook)));
    }
    this.#write("index.html", renderIndex(chapters));
  }

  /** A file appears whole or not at all. */
  #write(path: string, content: string): string {
    const file = join(this.folder, path);
    mkdirSync(join(file, ".."), { recursive: true });
    const half = `${file}.${process.pid}.part`;
    try {
      writeFileSync(half, content);
      renameSync(half, file);
    } finally {
      rmSync(half, { force: true });
    }
    return file;
  }

  #remove(path: string): void {
    rmSync(join(this.folder, path), { force: true });
  }
}

function describeRun({ metadata }: Notebook): string {
  const parsed = runNote.safeParse(metadata.posttrain);
  if (!parsed.success) return "";
  const { seconds, backend } = parsed.data;
  return `Executed in ${Math.round(seconds)} s${backend ? ` on the ${backend} backend` : ""}`;
}
