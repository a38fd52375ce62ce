import { beforeEach, describe, expect, it } from "vitest";
import type { CodeCell } from "../../kernel-extensions/runner/notebook.js";
import { OutputRecorder } from "../../kernel-extensions/runner/outputs.js";

let cell: CodeCell;
let recorder: OutputRecorder;
beforeEach(() => {
  cell = { cell_type: "code", id: "a", metadata: {}, source: "", execution_count: null, outputs: [] };
  recorder = new OutputRecorder();
});

const tell = (type: string, content: Record<string, unknown>, into = cell) =>
  recorder.record(into, { id: "", parentId: "", type, content });
const print = (text: string, name = "stdout") => tell("stream", { name, text });
const show = (type: string, text: string, display_id?: string, into = cell) =>
  tell(type, { data: { "text/plain": text }, metadata: {}, transient: { display_id } }, into);
const texts = (of = cell) =>
  of.outputs.map((output) =>
    "data" in output ? output.data["text/plain"] : "text" in output ? output.text : output.ename,
  );

describe("OutputRecorder", () => {
  it("joins what is printed to one stream until something else comes between", () => {
    print("a");
    print("b");
    print("c", "stderr");
    print("d");
    expect(texts()).toEqual(["ab", "c", "d"]);
  });
  it("replaces a display wherever it was shown, also in an earlier cell", () => {
    const later: CodeCell = { ...cell, outputs: [] };
    show("display_data", "old", "chart");
    show("display_data", "old", "chart", later);
    show("display_data", "other", "table");
    show("update_display_data", "new", "chart", later);
    expect([texts(), texts(later)]).toEqual([["new", "other"], ["new"]]);
  });
  it("ignores an update of a display that was never shown", () => {
    show("update_display_data", "new", "chart");
    expect(cell.outputs).toEqual([]);
  });
  it("keeps the result of a cell with its number", () => {
    tell("execute_result", { data: { "text/plain": "2" }, metadata: {}, execution_count: 7 });
    expect(cell.outputs).toEqual([
      { output_type: "execute_result", data: { "text/plain": "2" }, metadata: {}, execution_count: 7 },
    ]);
  });
  it("keeps errors", () => {
    tell("error", { ename: "TypeError", evalue: "no", traceback: ["TypeError: no", "  at Cell 1"] });
    expect(cell.outputs).toEqual([
      { output_type: "error", ename: "TypeError", evalue: "no", traceback: ["TypeError: no", "  at Cell 1"] },
    ]);
  });
  it("clears at once when asked to", () => {
    print("a");
    tell("clear_output", { wait: false });
    expect(cell.outputs).toEqual([]);
  });
  it("clears with the next output when asked to wait, so that nothing flickers", () => {
    print("a");
    tell("clear_output", { wait: true });
    expect(texts()).toEqual(["a"]);
    print("b");
    expect(texts()).toEqual(["b"]);
  });
  it("does not clear the next cell with a wait of this one", () => {
    const next: CodeCell = { ...cell, outputs: [] };
    tell("clear_output", { wait: true });
    recorder.finish();
    show("display_data", "kept", "x", next);
    show("display_data", "too", "y", next);
    expect(texts(next)).toEqual(["kept", "too"]);
  });
});
