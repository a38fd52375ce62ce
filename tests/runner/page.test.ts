import { JSDOM } from "jsdom";
import { describe, expect, it } from "vitest";
import {
  type Chapter,
  leadOf,
  renderIndex,
  renderPage,
  titleOf,
} from "../../kernel-extensions/runner/html/page.js";
import type { Notebook, Output } from "../../kernel-extensions/runner/notebook.js";
import { notebook } from "./notebooks.js";

const chapters: Chapter[] = [
  { name: "00-start", title: "Start", lead: "A *tour*.", present: true },
  { name: "01-model", title: "Model <b>", lead: "", present: true },
  { name: "02-sft", title: "SFT", lead: "", present: false },
];

const page = (book: Notebook) => {
  const html = renderPage(book, "01-model", chapters, "Executed in 3 s");
  return { html, document: new JSDOM(html).window.document };
};

function showing(...outputs: Output[]): Document {
  const book = notebook("1");
  const [cell] = book.cells;
  if (cell?.cell_type === "code") cell.outputs = outputs;
  return page(book).document;
}

const display = (data: Record<string, unknown>): Output => ({
  output_type: "display_data",
  data,
  metadata: {},
});
const PNG = "iVBORw0KGgoAAAANSUhEUgAABLAAAAJYCAYAAACadoJw";

describe("a page", () => {
  it("stands alone: no script, nothing loaded from elsewhere", () => {
    const { html, document } = page(notebook("md:# T\n\n$$ x^2 $$", "1"));
    expect(document.querySelectorAll("script, link, iframe")).toHaveLength(0);
    expect(html).not.toMatch(/url\((?!data:)/);
    expect(html).not.toMatch(/src="(?!data:)/);
    expect(html.length).toBeLessThan(1_000_000);
  });
  it("sets equations, numbered ones too", () => {
    const { document } = page(
      notebook("md:The loss $\\mathcal L$ is\n\n$$ -\\log \\sigma(r) \\tag{RM-1} $$\n"),
    );
    expect(document.querySelectorAll(".katex")).toHaveLength(2);
    expect(document.querySelector(".katex-display .tag")?.textContent).toContain("RM-1");
    expect(document.querySelector(".katex-error")).toBeNull();
  });
  it("carries fonts for equations only when it has any", () =>
    expect(page(notebook("md:no equation, $5 and $6 only")).html.length).toBeLessThan(20_000));
  it("draws tables, and keeps HTML such as details", () => {
    const { document } = page(
      notebook(
        "md:| a | b |\n|---|--:|\n| 1 | $x$ |\n\n<details><summary>Hint</summary>\n\n*text*\n\n</details>",
      ),
    );
    expect(document.querySelectorAll("td")).toHaveLength(2);
    expect(document.querySelector("td .katex")).not.toBeNull();
    expect(document.querySelector("details em")?.textContent).toBe("text");
  });
  it("colours code and lets none of it become markup", () => {
    const { document } = page(notebook('const a = "<script>alert(1)</script>";'));
    expect(document.querySelector("pre.source .hljs-keyword")?.textContent).toBe("const");
    expect(document.querySelector("pre.source")?.textContent).toBe('const a = "<script>alert(1)</script>";');
  });
  it("hides neighbouring solutions behind one line", () => {
    const book = notebook("1", "2", "md:because", "3");
    for (const cell of book.cells.slice(1, 3)) cell.metadata = { tags: ["solution"] };
    const { document } = page(book);
    const [solution, ...others] = document.querySelectorAll("details.solution");
    expect(others).toEqual([]);
    expect(solution?.hasAttribute("open")).toBe(false);
    expect(solution?.textContent).toMatch(/Solution\s*2\s*because/);
  });
  it("has the chapters beside it, its own sections, and a way on", () => {
    const { document } = page(notebook("md:# Model\n\n## Loss 损失\n\n## Loss 损失\n\n## $x$ and `code`"));
    const links = [...document.querySelectorAll("nav a")].map((link) => link.getAttribute("href"));
    expect(links).toEqual(["index.html", "00-start.html", "#loss-损失", "#loss-损失-2", "#x-and-code"]);
    expect(document.querySelector("nav [aria-current]")?.textContent).toBe("Model <b>");
    expect(document.querySelector("nav .absent")?.textContent).toBe("SFT");
    for (const id of links.filter((link) => link?.startsWith("#")))
      expect(document.getElementById(id?.slice(1) ?? "")).not.toBeNull();
    expect(document.querySelector("footer")?.textContent).toContain("← Start");
  });
});

describe("an output", () => {
  it("of a figure is its picture at the figure's size, with its text for those who do not see it", () => {
    const image = showing(
      display({ "application/vnd.plotly.v1+json": {}, "image/png": PNG, "text/plain": 'Figure: "x"' }),
    ).querySelector("img");
    expect(image?.getAttribute("width")).toBe("600"); // half of the picture's 1200 pixels
    expect(image?.alt).toBe('Figure: "x"');
  });
  it("of any other picture keeps its own size", () =>
    expect(
      showing(display({ "image/png": PNG, "text/plain": "" }))
        .querySelector("img")
        ?.getAttribute("width"),
    ).toBe("1200"));
  it("is shown in its richest form", () => {
    expect(
      showing(
        display({ "text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "1" }),
      ).querySelector("td")?.textContent,
    ).toBe("1");
    expect(
      showing(display({ "text/markdown": "**bold** $x$", "text/plain": "" })).querySelector(".output strong")
        ?.textContent,
    ).toBe("bold");
    expect(
      showing(display({ "text/latex": "$$x^2$$", "text/plain": "" })).querySelector(".output .katex"),
    ).not.toBeNull();
    expect(showing(display({ "text/plain": "[1, <2>]" })).querySelector(".output pre")?.textContent).toBe(
      "[1, <2>]",
    );
  });
  it("that cannot be printed says so", () =>
    expect(showing(display({ "application/x-unknown": 1 })).querySelector(".output")?.textContent).toContain(
      "application/x-unknown",
    ));
  it("printed in colour, or line over line, is the text that a terminal ends with", () => {
    const text = "\u001b[31mred\u001b[0m\n 1 %\r50 %\r100 %\nend\n";
    expect(
      showing({ output_type: "stream", name: "stdout", text }).querySelector("pre.stdout")?.textContent,
    ).toBe("red\n100 %\nend");
  });
  it("that is an error shows its trace", () =>
    expect(
      showing({
        output_type: "error",
        ename: "E",
        evalue: "v",
        traceback: ["E: v", "  at Cell 1"],
      }).querySelector("pre.error")?.textContent,
    ).toBe("E: v\n  at Cell 1"));
});

describe("the index", () => {
  it("lists the chapters with their first sentences, those without a page unlinked", () => {
    const { document } = new JSDOM(renderIndex(chapters)).window;
    expect([...document.querySelectorAll("main a")].map((link) => link.getAttribute("href"))).toEqual([
      "00-start.html",
      "01-model.html",
    ]);
    expect(document.querySelector("main em")?.textContent).toBe("tour");
    expect(document.querySelector("main")?.textContent).toContain("SFT");
  });
});

describe("titleOf and leadOf", () => {
  it("read the first heading and the first paragraph", () => {
    const book = notebook("md:# The `model` 模型\n\n$$x$$\n\nIt predicts *the next token*.\n\nMore.");
    expect([titleOf(book, "01"), leadOf(book)]).toEqual(["The model 模型", "It predicts *the next token*."]);
    expect([titleOf(notebook("1"), "01"), leadOf(notebook("1"))]).toEqual(["01", ""]);
  });
});
