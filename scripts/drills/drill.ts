import type { Random } from "../../src/backend/random.js";
import type { Language, Pair, Skill } from "./pair.js";

/** How a question of one language can be recognised: the words it must name, and its answer. */
export interface Form {
  readonly names: readonly string[];
  readonly answer: string;
}

/** One thing to ask about, in every form in which a held-out question could ask for it. */
export type Item = readonly Form[];

export interface Drill {
  readonly language: Language;
  readonly instruction: string;
  readonly output: string;
  readonly item: Item;
  readonly phrasing: string;
}

/** All questions one skill could drill; the generator picks among them. */
export interface DrillSet {
  readonly skill: Skill;
  /**
   * What held-out questions of this skill test. `items`: something new, so whatever they name is not drilled.
   * `facts`: whether a fact is found behind a new question, so it may be drilled if train asks for it as well.
   */
  readonly heldOut: "items" | "facts";
  readonly drills: (random: Random) => Drill[];
}

/** The same question in every phrasing; `{word}` in a phrasing stands for `words.word`. */
export function ask(
  language: Language,
  phrasings: readonly string[],
  words: Readonly<Record<string, string>>,
  output: string,
  item: Item,
): Drill[] {
  return phrasings.map((phrasing) => {
    const filled = phrasing.replace(/\{(\w+)\}/g, (_, name: string) => words[name] ?? "");
    return { language, instruction: language === "en" ? capital(filled) : filled, output, item, phrasing };
  });
}

/** The text with its first letter in upper case. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A noun phrase without its article: "a horse" → "horse". */
export const bare = (phrase: string): string => phrase.replace(/^(an?|the) /i, "");

/** `count` different members of a list, in random order. */
export const sample = <T>(random: Random, list: readonly T[], count: number): T[] =>
  random.shuffle(list).slice(0, count);

/** Whether a pair asks for the item: it names the thing and, where `exact`, has the answer. */
export const asksFor = (pair: Pair, item: Item, exact: boolean): boolean =>
  item.some(
    ({ names, answer }) =>
      (!exact || pair.output === answer) && names.every((name) => mentions(pair.instruction, name)),
  );

function mentions(text: string, name: string): boolean {
  if (/\p{Script=Han}/u.test(name)) return text.includes(name);
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(s|es)?(?![\\p{L}\\p{N}])`, "iu").test(text);
}
