import { z } from "zod";
import type { Content } from "../wire/message.js";

type Entry = [session: number, line: number, input: string];

const request = z.discriminatedUnion("hist_access_type", [
  z.object({ hist_access_type: z.literal("tail"), n: z.number().default(10) }),
  z.object({
    hist_access_type: z.literal("range"),
    session: z.number().default(0),
    start: z.number().default(1),
    stop: z.number().nullable().default(null),
  }),
  z.object({
    hist_access_type: z.literal("search"),
    pattern: z.string().default("*"),
    n: z.number().nullable().default(null),
    unique: z.boolean().default(false),
  }),
]);

/** The inputs of this kernel's life; there is one session and nothing is kept on disk. */
export class History {
  readonly #entries: Entry[] = [];

  add(line: number, input: string): void {
    this.#entries.push([1, line, input]);
  }

  /** Answers a `history_request`. @throws {z.ZodError} when it is malformed */
  answer(content: Content): Content {
    return { status: "ok", history: this.#select(request.parse(content)) };
  }

  #select(wanted: z.infer<typeof request>): Entry[] {
    if (wanted.hist_access_type === "tail") return this.#entries.slice(-wanted.n);
    if (wanted.hist_access_type === "range") {
      const { start, stop } = wanted;
      return this.#entries.filter(([, line]) => line >= start && line < (stop ?? Number.POSITIVE_INFINITY));
    }
    const pattern = globPattern(wanted.pattern);
    const found = this.#entries.filter(([, , input]) => pattern.test(input));
    const kept = wanted.unique ? [...new Map(found.map((entry) => [entry[2], entry])).values()] : found;
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
