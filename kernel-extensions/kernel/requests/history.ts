import { z } from "zod";
import type { Content } from "../wire/message.js";

/** One cell that was run. */
interface Entry {
  line: number;
  input: string;
  /** The text of its result, if it had one. */
  output: string | null;
}

const output = z.boolean().default(false);
const request = z.discriminatedUnion("hist_access_type", [
  z.object({ hist_access_type: z.literal("tail"), output, n: z.number().default(10) }),
  z.object({
    hist_access_type: z.literal("range"),
    output,
    start: z.number().default(0),
    stop: z.number().nullish(),
  }),
  z.object({
    hist_access_type: z.literal("search"),
    output,
    pattern: z.string().default("*"),
    n: z.number().nullish(),
    unique: z.boolean().default(false),
  }),
]);

/** There is one session, this kernel's life; nothing is kept on disk. */
const SESSION = 1;

/** The inputs of all cells so far. */
export class History {
  readonly #entries: Entry[] = [];

  add(line: number, input: string): void {
    this.#entries.push({ line, input, output: null });
  }

  /** Notes the text of the result of the latest cell. */
  setOutput(text: string): void {
    const latest = this.#entries.at(-1);
    if (latest) latest.output = text;
  }

  /** Answers a `history_request`. @throws {z.ZodError} when it is malformed */
  answer(content: Content): Content {
    const wanted = request.parse(content);
    const history = this.#select(wanted).map(({ line, input, output }) => [
      SESSION,
      line,
      wanted.output ? [input, output] : input,
    ]);
    return { status: "ok", history };
  }

  #select(wanted: z.infer<typeof request>): Entry[] {
    if (wanted.hist_access_type === "tail") return this.#entries.slice(-wanted.n);
    if (wanted.hist_access_type === "range") {
      const { start, stop } = wanted;
      return this.#entries.filter(({ line }) => line >= start && line < (stop ?? Number.POSITIVE_INFINITY));
    }
    const pattern = globPattern(wanted.pattern);
    const found = this.#entries.filter(({ input }) => pattern.test(input));
    const kept = wanted.unique ? [...new Map(found.map((entry) => [entry.input, entry])).values()] : found;
    return kept.slice(-(wanted.n ?? kept.length));
  }
}

/** `*` stands for any text and `?` for one character. */
function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`, "s");
}
