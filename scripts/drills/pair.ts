import { z } from "zod";

/** Skills with one short right answer, scored by exact match. */
export const EXACT = [
  "repeat",
  "opposite",
  "translate",
  "sentiment",
  "language-id",
  "category",
  "odd-one-out",
  "calendar",
  "compare",
  "colour",
  "plural",
  "capital",
  "continent",
  "yes-no",
  "fact",
] as const;

/** Skills answered in free sentences. */
export const OPEN = [
  "explain",
  "introduce",
  "define",
  "why",
  "how-to",
  "advice",
  "polite",
  "summarise",
  "creative",
] as const;

export const SKILLS = [...EXACT, ...OPEN];
export type Skill = (typeof SKILLS)[number];
export type Language = "zh" | "en";

const trimmed = z.string().refine((text) => text.trim() === text && text.length > 0, "blank or padded");

/** One line of `datasets/instructions`. */
export const Pair = z.strictObject({
  id: z.string().regex(/^[a-z-]+-(zh|en)-\d{2}$|^drill-[a-z-]+-(zh|en)-\d{3}$/),
  instruction: trimmed,
  output: trimmed,
  language: z.enum(["zh", "en"]),
  skill: z.enum(SKILLS),
});
export type Pair = z.infer<typeof Pair>;

/** The pairs of a JSON Lines text. */
export const parsePairs = (text: string): Pair[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => Pair.parse(JSON.parse(line)));

/** One line of JSON for each pair, spaced as the hand-written splits are. */
export const formatPairs = (pairs: Pair[]): string =>
  pairs
    .map((pair) => {
      const fields = Object.entries(pair).map(
        ([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`,
      );
      return `{${fields.join(", ")}}\n`;
    })
    .join("");
