import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Tokenizer, trainBpe } from "posttrain/tokenizer";
import golden from "../golden/tokenizer.json" with { type: "json" };

export { golden };

/** The lines that the reference trainer learned from. */
export const corpus: string[] = readFileSync(
  fileURLToPath(new URL("../golden/tokenizer/corpus.txt", import.meta.url)),
  "utf8",
).split("\n");

/** A small tokenizer with the ChatML tokens and template. */
export const smallTokenizer = (): Tokenizer => trainBpe(corpus, { vocabSize: 600, minFrequency: 2 });
