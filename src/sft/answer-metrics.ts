/**
 * Whether an answer is the reference, letter case, punctuation and spaces aside.
 *
 * $$ \mathrm{EM} = \mathbb 1\bigl[\,\mathrm{plain}(\hat y) = \mathrm{plain}(y)\,\bigr] $$
 *
 * For questions with one short right answer; an open question has many good answers, of which it knows one.
 *
 * @source Rajpurkar et al. 2016 (SQuAD), section 6.1, articles kept: an article may be the answer
 */
export const exactMatch = (answer: string, reference: string): boolean =>
  answerWords(answer).join("") === answerWords(reference).join("");

/**
 * How many words an answer shares with the reference: the harmonic mean of precision and recall. A Chinese,
 * Japanese or Korean character counts as a word, and a word counts as often as it occurs in both.
 *
 * $$ F_1 = \frac{2\,|\hat y \cap y|}{|\hat y| + |y|} $$
 *
 * @returns from 0, nothing shared, to 1, the same words in any order; two empty texts share everything
 * @source Rajpurkar et al. 2016 (SQuAD), section 6.1
 */
export function wordOverlap(answer: string, reference: string): number {
  const [given, wanted] = [answerWords(answer), answerWords(reference)];
  if (given.length + wanted.length === 0) return 1;
  const left = new Map<string, number>();
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of given) {
    const available = left.get(word) ?? 0;
    if (available > 0) shared += 1;
    left.set(word, available - 1);
  }
  return (2 * shared) / (given.length + wanted.length);
}

/** Words of letters and digits in lower case; of scripts that write no spaces, every character. */
const answerWords = (text: string): string[] =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(UNSPACED, " $& ")
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];

const UNSPACED = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/gu;
