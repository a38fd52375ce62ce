import { readFile } from "node:fs/promises";
import { z } from "zod";
import { DataError } from "../errors.js";
import type { SftExample } from "./examples.js";

const text = z.string().min(1, "must not be empty");
const message = z.looseObject({ role: z.enum(["system", "user", "assistant"]), content: z.string() });
const messages = z
  .array(message)
  .min(1, "must hold a message")
  .refine((all) => all.some(({ role }) => role === "assistant"), "no message is the assistant's");

/** The forms of a line, each with the field that tells it from the others. Further fields are kept. */
const FORMS = [
  ["instruction", z.looseObject({ instruction: text, input: z.string().optional(), output: text })],
  ["messages", z.looseObject({ messages })],
  [
    "prompt",
    z.union([
      z.looseObject({ prompt: text, completion: text }),
      z.looseObject({ prompt: z.array(message).min(1), completion: messages }),
    ]),
  ],
  ["text", z.looseObject({ text })],
] as const;

/**
 * Reads training examples from a JSONL file: one JSON object a line, each
 * `{ instruction, input?, output }`, `{ prompt, completion }`, `{ messages }` or `{ text }`.
 * Further fields are kept, empty lines are skipped.
 *
 * @throws {DataError} naming file, line and reason at the first line that is not an example, or when there is none
 */
export async function loadExamples(path: string): Promise<SftExample[]> {
  const lines = (await readText(path)).replace(/^\uFEFF/, "").split(/\r?\n/);
  const examples = lines.flatMap((line, i) => (line.trim() ? [parseExample(line, `${path}:${i + 1}`)] : []));
  if (examples.length > 0) return examples;
  throw new DataError(`${path} holds no example`, {
    code: "sft/empty-file",
    value: path,
    hint: 'Write one JSON object a line, such as {"instruction": "…", "output": "…"}.',
  });
}

function parseExample(line: string, place: string): SftExample {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw badLine(place, `it is not JSON (${(cause as Error).message})`, line, cause);
  }
  if (typeof value !== "object" || value === null) throw badLine(place, "it is not an object", value);
  const form = FORMS.find(([field]) => field in value);
  if (!form) {
    throw badLine(place, `it has none of the fields ${FORMS.map(([field]) => field).join(", ")}`, value);
  }
  const result = form[1].safeParse(value);
  if (result.success) return result.data as unknown as SftExample;
  const issues = result.error.issues.flatMap((issue) => ("errors" in issue ? issue.errors.flat() : [issue]));
  const reasons = issues.map((issue) => `${issue.path.join(".") || "line"}: ${issue.message}`);
  throw badLine(place, reasons.join("; "), value);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new DataError(`cannot read ${path} (${(cause as Error).message})`, {
      code: "sft/unreadable-file",
      value: path,
      hint: "Check the path; it is relative to the directory that Node was started in.",
      cause,
    });
  }
}

const badLine = (place: string, reason: string, value: unknown, cause?: unknown): DataError =>
  new DataError(`${place}: ${reason}`, {
    code: "sft/bad-line",
    value,
    hint: "A line is {instruction, output}, {prompt, completion}, {messages: [{role, content}, …]} or {text}.",
    cause,
  });
