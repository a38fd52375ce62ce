import { describe, expect, it } from "vitest";
import { parseNotebook, printNotebook } from "../../kernel-extensions/runner/notebook.js";
import { notebook } from "./notebooks.js";

const file = (cells: unknown[]) => JSON.stringify({ nbformat: 4, nbformat_minor: 4, metadata: {}, cells });

describe("parseNotebook", () => {
  it("joins sources kept as lists of lines", () => {
    const { cells } = parseNotebook(
      file([{ cell_type: "markdown", metadata: {}, source: ["a\n", "b"] }]),
      "x",
    );
    expect(cells[0]?.source).toBe("a\nb");
  });
  it("gives cells without an id one that nbformat allows", () => {
    const { cells } = parseNotebook(
      file([
        { cell_type: "code", source: "1" },
        { cell_type: "code", source: "2" },
      ]),
      "x",
    );
    expect(cells[0]?.id).toMatch(/^[\w-]{1,64}$/);
    expect(cells[0]?.id).not.toBe(cells[1]?.id);
  });
  it.each([
    ["half a file", '{"cells": [', "x.ipynb is not JSON"],
    [
      "another format",
      '{"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "cells": []}',
      /not a notebook[\s\S]*nbformat/,
    ],
    [
      "a cell of an unknown kind",
      file([{ cell_type: "graph", source: "" }]),
      /not a notebook[\s\S]*cells\[0\]/,
    ],
  ])("refuses %s and says what is wrong", (_, text, message) =>
    expect(() => parseNotebook(text, "x.ipynb")).toThrow(message));
});

describe("printNotebook", () => {
  it("writes format 4.5 with our kernel, every line a line of the file", () => {
    const printed = JSON.parse(printNotebook(notebook("const a = 1;\na", "md:# T")));
    expect(printed).toMatchObject({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: { kernelspec: { name: "posttrain", language: "typescript" } },
      cells: [{ id: "cell-0", source: ["const a = 1;\n", "a"], outputs: [] }, { source: ["# T"] }],
    });
    expect(Object.keys(printed.cells[1]).sort()).toEqual(["cell_type", "id", "metadata", "source"]);
  });
  it("reads back what it writes", () => {
    const original = notebook("1 + 1");
    const [cell] = original.cells;
    if (cell?.cell_type === "code")
      cell.outputs = [
        { output_type: "stream", name: "stdout", text: "a\nb\n" },
        {
          output_type: "display_data",
          data: { "text/html": "<p>\nx</p>", "image/png": "iVBO" },
          metadata: {},
        },
        { output_type: "error", ename: "E", evalue: "", traceback: [] },
      ];
    const again = parseNotebook(printNotebook(original), "x");
    expect(again.cells[0]).toMatchObject({
      outputs: [{ text: "a\nb\n" }, { data: { "image/png": "iVBO" } }, { ename: "E" }],
    });
    expect(printNotebook(again)).toBe(printNotebook(original));
  });
});
