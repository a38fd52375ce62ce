import { type Pair, PairQueue } from "./pair-queue.js";

export interface MergeOptions {
  /** Stop when the vocabulary has this many tokens. */
  vocabSize: number;
  /** Stop when no pair is met at least this often. */
  minFrequency: number;
}

/** Ids are below 2^26, so a pair of them is one exact number. */
const idLimit = 2 ** 26;
const keyOf = (left: number, right: number): number => left * idLimit + right;

/**
 * Byte-pair encoding: again and again, the two neighbouring tokens that meet most often become one token.
 *
 * $$ (a, b)^\ast = \arg\max_{(a,b)} \sum_{w} n_w \, \#\{\, i : w_i = a,\ w_{i+1} = b \,\} \tag{BPE-1} $$
 *
 * Pair counts are kept up to date by what each merge changes. The queue may hold an outdated count;
 * such a pair is put back with its true count when it comes to the top.
 *
 * @param wordCounts how often each word occurs, the words written in tokens of `vocabulary`
 * @param vocabulary ids of the tokens there are; every merge adds its token
 * @returns the merges in the order they were made
 * @source Sennrich et al. 2016; order, ties and repeated merges as in Hugging Face `tokenizers`
 */
export function learnMerges(
  wordCounts: ReadonlyMap<string, number>,
  vocabulary: Map<string, number>,
  { vocabSize, minFrequency }: MergeOptions,
): [string, string][] {
  const tokens = [...vocabulary.keys()];
  const words = [...wordCounts.keys()].map((word) =>
    Array.from(word, (token) => vocabulary.get(token) as number),
  );
  const counts = [...wordCounts.values()];
  const pairCounts = new Map<number, number>();
  const queue = new PairQueue();
  const merges: [string, string][] = [];

  enqueue(queue, pairCounts, countPairs(words, counts, pairCounts));
  while (tokens.length < vocabSize) {
    const pair = queue.pop();
    if (!pair) break;
    const count = pairCounts.get(keyOf(pair.left, pair.right)) ?? 0;
    if (pair.count !== count) {
      queue.push({ ...pair, count });
      continue;
    }
    if (count < 1 || count < minFrequency) break;

    const [left, right] = [tokens[pair.left] as string, tokens[pair.right] as string];
    merges.push([left, right]);
    const merged = idOf(left + right, vocabulary, tokens);
    const seen = new Map<number, number[]>();
    for (const word of pair.words) {
      mergeInWord(words[word] as number[], pair, merged, (a, b, change) => {
        const key = keyOf(a, b);
        pairCounts.set(key, (pairCounts.get(key) ?? 0) + change * (counts[word] as number));
        if (change > 0) noteWord(seen, key, word);
      });
    }
    enqueue(queue, pairCounts, seen);
  }
  return merges;
}

/** Two different pairs can spell the same token: it keeps its first id. */
function idOf(token: string, vocabulary: Map<string, number>, tokens: string[]): number {
  const known = vocabulary.get(token);
  if (known !== undefined) return known;
  vocabulary.set(token, tokens.length);
  return tokens.push(token) - 1;
}

function countPairs(
  words: readonly number[][],
  counts: readonly number[],
  pairCounts: Map<number, number>,
): Map<number, number[]> {
  const seen = new Map<number, number[]>();
  for (const [index, word] of words.entries()) {
    for (let i = 1; i < word.length; i++) {
      const key = keyOf(word[i - 1] as number, word[i] as number);
      pairCounts.set(key, (pairCounts.get(key) ?? 0) + (counts[index] as number));
      noteWord(seen, key, index);
    }
  }
  return seen;
}

/** Words come in order, so a word that is there already is the last one. */
function noteWord(seen: Map<number, number[]>, key: number, word: number): void {
  const words = seen.get(key);
  if (!words) seen.set(key, [word]);
  else if (words.at(-1) !== word) words.push(word);
}

function enqueue(
  queue: PairQueue,
  pairCounts: ReadonlyMap<number, number>,
  seen: ReadonlyMap<number, readonly number[]>,
): void {
  for (const [key, words] of seen) {
    const count = pairCounts.get(key) ?? 0;
    if (count > 0) queue.push({ left: Math.floor(key / idLimit), right: key % idLimit, count, words });
  }
}

/** Replaces the pair in place, and tells which neighbours thereby stopped (−1) or began (+1) to meet. */
function mergeInWord(
  word: number[],
  { left, right }: Pair,
  merged: number,
  changed: (a: number, b: number, change: 1 | -1) => void,
): void {
  let length = 0;
  for (let i = 0; i < word.length; i++) {
    const token = word[i] as number;
    if (token !== left || word[i + 1] !== right) {
      word[length++] = token;
      continue;
    }
    const [before, after] = [word[length - 1], word[i + 2]];
    if (before !== undefined) {
      changed(before, left, -1);
      changed(before, merged, 1);
    }
    if (after !== undefined) {
      changed(right, after, -1);
      changed(merged, after, 1);
    }
    word[length++] = merged;
    i++;
  }
  word.length = length;
}
