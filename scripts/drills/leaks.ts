import type { Pair } from "./pair.js";

/** What is left of a text without case, punctuation and spaces. */
export const normalise = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

// Adding "please" to a question leaves about 0.77 of the grams shared and must count as the same question.
// Two questions of one pattern about different things ("the opposite of fast", "… of small") reach 0.72 and may not.
const SAME_QUESTION = 0.75;
// With the same answer on top, less likeness is enough to be a copy.
const SAME_QUESTION_AND_ANSWER = 0.65;

/** A pair with what the comparison needs, computed once. */
export interface Prepared {
  readonly pair: Pair;
  readonly answer: string;
  readonly letters: string;
  readonly grams: ReadonlySet<string>;
}

export const prepare = (pair: Pair): Prepared => ({
  pair,
  answer: normalise(pair.output),
  letters: [...normalise(pair.instruction)].sort().join(""),
  grams: grams(pair.instruction),
});

/** Why `held` is no fair question for a model that saw `seen`; empty when it is one. */
export function leaksBetween(seen: Prepared, held: Prepared): string[] {
  const where = `${seen.pair.id} → ${held.pair.id}`;
  const likeness = jaccard(seen.grams, held.grams);
  const limit = seen.answer === held.answer ? SAME_QUESTION_AND_ANSWER : SAME_QUESTION;
  const found: string[] = [];
  if (seen.letters === held.letters) found.push(`${where}: same instruction up to order`);
  else if (likeness >= limit) found.push(`${where}: instructions alike (${likeness.toFixed(2)})`);
  if (held.pair.output.length > 20 && seen.answer.includes(held.answer))
    found.push(`${where}: answer copied`);
  return found;
}

/** Every leak from the pairs a model saw into those it is measured on, one line a leak. */
export function leaks(seen: Pair[], heldOut: Pair[]): string[] {
  const known = seen.map(prepare);
  return heldOut.map(prepare).flatMap((held) => known.flatMap((other) => leaksBetween(other, held)));
}

/** The character 5-grams of a normalised text; a shorter text is one gram. */
function grams(text: string): Set<string> {
  const letters = [...normalise(text)];
  const count = Math.max(1, letters.length - 4);
  return new Set(Array.from({ length: count }, (_, at) => letters.slice(at, at + 5).join("")));
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const gram of a) if (b.has(gram)) shared++;
  return shared / (a.size + b.size - shared);
}
