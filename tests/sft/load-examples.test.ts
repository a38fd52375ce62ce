import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataError } from "posttrain/errors";
import { loadExamples } from "posttrain/sft";
import { describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "posttrain-examples-"));
const fileOf = (...lines: unknown[]): string => {
  const path = join(folder, `${Math.abs(lines.join().length)}-${lines.length}.jsonl`);
  writeFileSync(
    path,
    lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
  );
  return path;
};

const good = { instruction: "Say hi", output: "hi" };

describe("loadExamples", () => {
  it("reads every form, keeps further fields and skips empty lines", async () => {
    const lines = [
      { ...good, input: "in German", language: "de" },
      { prompt: "The sea", completion: " is wide" },
      { prompt: [{ role: "user", content: "Hi" }], completion: [{ role: "assistant", content: "Hello" }] },
      {
        messages: [
          { role: "system", content: "Be brief" },
          { role: "assistant", content: "Yes" },
        ],
      },
      { text: "道可道，非常道" },
    ];
    expect(await loadExamples(fileOf(...lines.slice(0, 2), "", ...lines.slice(2), ""))).toEqual(lines);
  });

  it.each([
    ["is not JSON", "{instruction", /:2: it is not JSON/],
    ["is not an object", "17", /:2: it is not an object/],
    [
      "is of no known form",
      { question: "?" },
      /:2: it has none of the fields instruction, messages, prompt, text/,
    ],
    ["lacks the output", { instruction: "Say hi" }, /:2: output/],
    ["has an empty output", { ...good, output: "" }, /:2: output: must not be empty/],
    ["has a number for a text", { text: 3 }, /:2: text/],
    [
      "has no message of the assistant",
      { messages: [{ role: "user", content: "Hi" }] },
      /:2: messages: no message is the assistant's/,
    ],
    ["has an unknown role", { messages: [{ role: "tool", content: "Hi" }] }, /:2: messages.0.role/],
    [
      "mixes a text with messages",
      { prompt: "Hi", completion: [{ role: "assistant", content: "x" }] },
      /:2: .*(prompt|completion)/,
    ],
  ])("refuses a line that %s, naming file, line and reason", async (_, line, message) => {
    const path = fileOf(good, line);
    const error = await loadExamples(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataError);
    expect(String(error)).toContain(path);
    expect(String(error)).toMatch(message);
  });

  it("reads a file that begins with a byte order mark, as Windows editors write it", async () => {
    expect(await loadExamples(fileOf(`\uFEFF${JSON.stringify(good)}`))).toEqual([good]);
  });

  it("refuses a file without any example, and one that is not there", async () => {
    await expect(loadExamples(fileOf("", ""))).rejects.toThrow(/holds no example/);
    await expect(loadExamples(join(folder, "nowhere.jsonl"))).rejects.toThrow(/cannot read .*nowhere/);
  });
});
