import { randomUUID } from "node:crypto";
import { z } from "zod";
import { NotebookError } from "./errors.js";

const text = z.union([z.string(), z.array(z.string()).transform((lines) => lines.join(""))]);
const bundle = z.record(z.string(), z.unknown());
const metadata = bundle.default({});

const output = z.discriminatedUnion("output_type", [
  z.object({ output_type: z.literal("stream"), name: z.enum(["stdout", "stderr"]), text }),
  z.object({ output_type: z.literal("display_data"), data: bundle, metadata }),
  z.object({
    output_type: z.literal("execute_result"),
    data: bundle,
    metadata,
    execution_count: z.number().int().nullable(),
  }),
  z.object({
    output_type: z.literal("error"),
    ename: z.string(),
    evalue: z.string(),
    traceback: z.array(z.string()),
  }),
]);

const common = {
  id: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .default(() => randomUUID().slice(0, 8)),
  metadata,
  source: text,
};

const cell = z.discriminatedUnion("cell_type", [
  z.object({ cell_type: z.literal("markdown"), ...common, attachments: bundle.optional() }),
  z.object({ cell_type: z.literal("raw"), ...common, attachments: bundle.optional() }),
  z.object({
    cell_type: z.literal("code"),
    ...common,
    execution_count: z.number().int().nullable().default(null),
    outputs: z.array(output).default([]),
  }),
]);

const notebook = z.object({
  nbformat: z.literal(4),
  nbformat_minor: z.number().int(),
  metadata: bundle,
  cells: z.array(cell),
});

export type Output = z.infer<typeof output>;
export type Cell = z.infer<typeof cell>;
export type CodeCell = Extract<Cell, { cell_type: "code" }>;
export type Notebook = z.infer<typeof notebook>;

/** What Jupyter needs to know to open a notebook with our kernel. */
export const KERNELSPEC = {
  kernelspec: { display_name: "TypeScript (Posttrain)", language: "typescript", name: "posttrain" },
  language_info: { file_extension: ".ts", mimetype: "text/typescript", name: "typescript" },
};

/**
 * Reads the text of an `.ipynb` file.
 * @param name  said in errors
 * @throws {NotebookError} when it is not JSON or not a notebook of format 4, naming the field
 */
export function parseNotebook(json: string, name: string): Notebook {
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch (cause) {
    throw new NotebookError(`${name} is not JSON.`, {
      code: "runner/notebook-json",
      hint: "Was it saved halfway?",
      cause,
    });
  }
  const parsed = notebook.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new NotebookError(`${name} is not a notebook: ${z.prettifyError(parsed.error)}`, {
    code: "runner/notebook-format",
    hint: "Notebooks of format 4 are read; open it in JupyterLab and save it again.",
    cause: parsed.error,
  });
}

/** The notebook as an `.ipynb` file of format 4.5, written the way Jupyter writes it. */
export function printNotebook({ cells, metadata }: Notebook): string {
  const written = {
    cells: cells.map(printCell),
    metadata: { ...metadata, ...KERNELSPEC },
    nbformat: 4,
    nbformat_minor: 5,
  };
  return `${JSON.stringify(written, null, 1)}\n`;
}

function printCell(cell: Cell): object {
  if (cell.cell_type !== "code") return { ...cell, source: lines(cell.source) };
  return { ...cell, source: lines(cell.source), outputs: cell.outputs.map(printOutput) };
}

function printOutput(output: Output): object {
  if (output.output_type === "stream") return { ...output, text: lines(output.text) };
  if (output.output_type === "error") return output;
  const data = Object.entries(output.data).map(([type, value]) => [
    type,
    typeof value === "string" && type.startsWith("text/") ? lines(value) : value,
  ]);
  return { ...output, data: Object.fromEntries(data) };
}

/** Every line with its line end, so that a change of one line is one line in a diff. */
const lines = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** The text of a MIME bundle's entry, which a file may keep as a list of lines. */
export const bundleText = (value: unknown): string =>
  Array.isArray(value) ? value.join("") : typeof value === "string" ? value : JSON.stringify(value);
