import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { dirname } from "node:path";
import { type ColumnTable, from } from "arquero";
import { z } from "zod";
import { DataError } from "../errors.js";

/** What every trainer yields. */
export interface TrainingStep {
  /** How many optimizer steps were made, this one included. */
  step: number;
  /** How often the data were seen, as a fraction. */
  epoch: number;
  /** By the names TRL logs them under. */
  metrics: Readonly<Record<string, number>>;
}

export interface RunRecordOptions {
  /** A JSONL file that every step is appended to at once. What it holds already is read first. */
  file?: string;
}

const lineSchema = z.object({
  step: z.number(),
  epoch: z.number(),
  metrics: z.record(z.string(), z.number().nullable()),
});
type Line = z.infer<typeof lineSchema>;

/** Rows that a notebook shows. */
const SHOWN = 10;

/**
 * The metrics of a run, step by step: a JSONL file that survives a crash, and an arquero table to plot from.
 *
 * Each step is one line, written whole with a single call. A last line that a kill cut short is dropped when
 * the file is read. A step that is recorded again, after a run was resumed from an earlier checkpoint, takes
 * the place of what was recorded from that step on.
 *
 * NaN and infinity become `null`, as JSON has neither.
 */
export class RunRecord {
  readonly file: string | undefined;
  readonly #lines: Line[] = [];

  constructor({ file }: RunRecordOptions = {}) {
    this.file = file;
    if (!file) return;
    mkdirSync(dirname(file), { recursive: true });
    if (!existsSync(file)) return;
    const text = readFileSync(file, "utf8");
    const complete = text.slice(0, text.lastIndexOf("\n") + 1);
    for (const line of parseLines(complete, file)) this.#add(line);
    if (complete.length < text.length) truncateSync(file, Buffer.byteLength(complete));
  }

  /**
   * Adds a step and, if there is a file, writes it.
   *
   * @throws {DataError} when it cannot be written, as on a full disk; the steps before stay readable
   */
  record({ step, epoch, metrics }: TrainingStep): void {
    const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
    const values = Object.entries(metrics).map(([name, value]): [string, number | null] => [
      name,
      finite(value),
    ]);
    const line: Line = { step, epoch, metrics: Object.fromEntries(values) };
    if (this.file) appendLine(this.file, JSON.stringify(line));
    this.#add(line);
  }

  /** How many steps are recorded. */
  get length(): number {
    return this.#lines.length;
  }

  /**
   * One row a step: `step`, `epoch` and a column for every metric. A metric that a step does not have,
   * such as an evaluation's between two evaluations, is `null` there.
   */
  table(): ColumnTable {
    const names = new Set(this.#lines.flatMap(({ metrics }) => Object.keys(metrics)));
    return from(
      this.#lines.map(({ step, epoch, metrics }) => {
        const row: Record<string, number | null> = { step, epoch };
        for (const name of names) row[name] = metrics[name] ?? row[name] ?? null;
        return row;
      }),
    );
  }

  /** The last steps as a table. */
  [Symbol.for("Jupyter.display")](): Record<string, string> {
    const last = this.table().slice(-SHOWN);
    const caption = `${this.length} steps recorded${this.length > SHOWN ? `, the last ${SHOWN} shown` : ""}`;
    return {
      "text/html": `${last.toHTML()}<p>${caption}</p>`,
      "text/plain": `${last.toMarkdown()}${caption}`,
    };
  }

  #add(line: Line): void {
    while ((this.#lines.at(-1)?.step ?? -1) >= line.step) this.#lines.pop();
    this.#lines.push(line);
  }
}

/** Appends a line, or leaves the file as it was. */
function appendLine(file: string, line: string): void {
  const before = existsSync(file) ? statSync(file).size : 0;
  try {
    appendFileSync(file, `${line}\n`);
  } catch (cause) {
    if (existsSync(file)) truncateSync(file, before);
    throw new DataError(`a step was not recorded in ${file}: ${(cause as Error).message}`, {
      code: "training/record-not-written",
      value: file,
      hint: "Make room, or record into another file. The steps before this one are unharmed.",
      cause,
    });
  }
}

function parseLines(text: string, file: string): Line[] {
  return text.split("\n").flatMap((line, i) => {
    if (!line) return [];
    try {
      return [lineSchema.parse(JSON.parse(line))];
    } catch (cause) {
      throw new DataError(`${file}:${i + 1} is not a recorded step`, {
        code: "training/bad-record",
        value: line,
        hint: "Remove the line, or record into another file.",
        cause,
      });
    }
  });
}
