import { afterAll, describe, expect, it } from "vitest";
import type { KernelClient } from "../../kernel-extensions/runner/client.js";
import type { Notebook } from "../../kernel-extensions/runner/notebook.js";
import { backendOf, type RunOptions, runNotebook } from "../../kernel-extensions/runner/run-notebook.js";
import { startKernel } from "../kernel/cells.js";
import { notebook } from "./notebooks.js";

let kernel: KernelClient | undefined;
afterAll(() => kernel?.shutdown());

/** Runs a notebook on the kernel that the tests share, or on a new one after that has ended. */
async function execute(book: Notebook, options?: RunOptions) {
  if (!kernel) {
    const started = await startKernel();
    void started.ended.then(() => {
      kernel = undefined;
    });
    kernel = started;
  }
  return runNotebook(book, kernel, options);
}

const outputsOf = ({ cells }: Notebook) =>
  cells.map((cell) => (cell.cell_type === "code" ? cell.outputs : []));

describe("runNotebook", () => {
  it("runs code cells in order and keeps what they show, as it was in the end", async () => {
    const book = notebook(
      "md:# Title",
      "const x = 20;\nconst chart = display('first');\nconsole.log('printed')",
      "chart.update('last');\nx + 1",
      "",
    );
    const seen: [number, number][] = [];
    const result = await execute(book, { onCell: (cell, of) => seen.push([cell, of]) });
    expect(result.failure).toBeUndefined();
    expect(result.cells).toBe(3);
    expect(seen).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    expect(outputsOf(book)).toMatchObject([
      [],
      [
        { output_type: "display_data", data: { "text/plain": "'last'" } },
        { output_type: "stream", text: "printed\n" },
      ],
      [{ output_type: "execute_result", data: { "text/plain": "21" } }],
      [],
    ]);
  });

  it("replaces outputs of an earlier run", async () => {
    const book = notebook("1");
    const [cell] = book.cells;
    if (cell?.cell_type === "code") cell.outputs.push({ output_type: "stream", name: "stdout", text: "old" });
    await execute(book);
    expect(outputsOf(book)[0]).toMatchObject([{ output_type: "execute_result" }]);
  });

  it("stops at the first error with the cell and a trace of the author's own lines", async () => {
    const book = notebook(
      "console.log('before')",
      "md:text",
      "function f(): never {\n  throw new Error('boom');\n}\nf();",
      "console.log('after')",
    );
    const { cells, failure } = await execute(book);
    expect([cells, failure?.cell]).toEqual([1, 2]);
    expect(failure?.source).toContain("throw new Error('boom')");
    expect(failure?.trace).toContain("Error: boom");
    expect(failure?.trace).not.toMatch(/node:|node_modules|dist-kernel/);
    expect(outputsOf(book)).toMatchObject([
      [{ text: "before\n" }],
      [],
      [{ output_type: "error", evalue: "boom" }],
      [],
    ]);
  });

  it.each([
    ["waits for ever", "console.log('so far');\nawait new Promise(() => {});"],
    ["never yields", "console.log('so far');\nfor (;;) {}"],
  ])("stops a cell that %s, keeping what it printed", async (_, source) => {
    const book = notebook(source);
    const { failure } = await execute(book, { cellTimeout: 2 });
    expect(failure?.trace).toContain("did not end within 2 s");
    expect(outputsOf(book)[0]?.[0]).toMatchObject({ output_type: "stream", text: "so far\n" });
  });

  it("reports a kernel that dies in a cell", async () => {
    const { failure } = await execute(
      notebook("1", "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})"),
    );
    expect(failure).toMatchObject({
      cell: 2,
      trace: expect.stringContaining("The kernel has ended (killed by SIGKILL)"),
    });
  });

  it("stops when its signal aborts, with the reason of the signal", async () => {
    const abort = new AbortController();
    const running = execute(notebook("await new Promise(() => {})"), {
      signal: abort.signal,
      onCell: () => setTimeout(() => abort.abort(new Error("enough")), 100),
    });
    await expect(running).rejects.toThrow("enough");
  });
});

describe("backendOf", () => {
  it("finds what the notebook says it computes with", () => {
    const book = notebook("await useBackend()");
    const [cell] = book.cells;
    if (cell?.cell_type === "code")
      cell.outputs.push({
        output_type: "execute_result",
        execution_count: 1,
        metadata: {},
        data: { "text/plain": "Computing with native: TensorFlow 2.18.1 on the CPU." },
      });
    expect(backendOf(book)).toBe("native");
    expect(backendOf(notebook("1"))).toBeUndefined();
  });
});
