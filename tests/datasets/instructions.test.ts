import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const folder = new URL("../../datasets/instructions/", import.meta.url);
const DEMONSTRATION = "请介绍一下爱因斯坦的相对论";

/** Skills with one short right answer, scored by exact match. */
const EXACT = [
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
const OPEN = [
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
const SKILLS = [...EXACT, ...OPEN];
const isExact = (pair: Pair) => EXACT.some((skill) => skill === pair.skill);

const trimmed = z.string().refine((text) => text.trim() === text && text.length > 0, "blank or padded");
const Pair = z.strictObject({
  id: z.string().regex(/^[a-z-]+-(zh|en)-\d{2}$/),
  instruction: trimmed,
  output: trimmed,
  language: z.enum(["zh", "en"]),
  skill: z.enum(SKILLS),
});
type Pair = z.infer<typeof Pair>;

const readSplit = (name: string): Pair[] =>
  readFileSync(new URL(`${name}.jsonl`, folder), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => Pair.parse(JSON.parse(line)));

const splits = { train: readSplit("train"), validation: readSplit("validation"), test: readSplit("test") };
const all = Object.values(splits).flat();
const bySplit = Object.entries(splits);

/** What is left of a text without case, punctuation and spaces. */
const normalise = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

/** The character 5-grams of a normalised text; a shorter text is one gram. */
function grams(text: string): Set<string> {
  const letters = [...normalise(text)];
  const count = Math.max(1, letters.length - 4);
  return new Set(Array.from({ length: count }, (_, at) => letters.slice(at, at + 5).join("")));
}

function jaccard(a: Set<string>, b: Set<string>): number {
  let shared = 0;
  for (const gram of a) if (b.has(gram)) shared++;
  return shared / (a.size + b.size - shared);
}

// Adding "please" to a question leaves about 0.77 of the grams shared and must count as the same question.
// Two questions of one pattern about different things ("the opposite of fast", "… of small") reach 0.72 and may not.
const SAME_QUESTION = 0.75;
// With the same answer on top, less likeness is enough to be a copy.
const SAME_QUESTION_AND_ANSWER = 0.65;

/** Why `heldOut` is no fair question for a model that saw `seen`, one line a leak. */
function leaks(seen: Pair[], heldOut: Pair[]): string[] {
  const prepare = (pair: Pair) => ({
    pair,
    answer: normalise(pair.output),
    letters: [...normalise(pair.instruction)].sort().join(""),
    grams: grams(pair.instruction),
  });
  const known = seen.map(prepare);
  return heldOut.map(prepare).flatMap((held) =>
    known.flatMap((other) => {
      const where = `${other.pair.id} → ${held.pair.id}`;
      const likeness = jaccard(other.grams, held.grams);
      const limit = other.answer === held.answer ? SAME_QUESTION_AND_ANSWER : SAME_QUESTION;
      const found: string[] = [];
      if (other.letters === held.letters) found.push(`${where}: same instruction up to order`);
      else if (likeness >= limit) found.push(`${where}: instructions alike (${likeness.toFixed(2)})`);
      if (held.pair.output.length > 20 && other.answer.includes(held.answer))
        found.push(`${where}: answer copied`);
      return found;
    }),
  );
}

const share = (pairs: Pair[], keep: (pair: Pair) => boolean) => pairs.filter(keep).length / pairs.length;

describe("the splits of datasets/instructions do not leak", () => {
  it("from train into validation", () => expect(leaks(splits.train, splits.validation)).toEqual([]));
  it("from train into test", () => expect(leaks(splits.train, splits.test)).toEqual([]));
  it("from validation into test", () => expect(leaks(splits.validation, splits.test)).toEqual([]));

  it("and the demonstration prompt of the course is only in test", () => {
    const target = normalise(DEMONSTRATION);
    const holding = bySplit.filter(([, pairs]) =>
      pairs.some((p) => normalise(p.instruction).includes(target)),
    );
    expect(holding.map(([name]) => name)).toEqual(["test"]);
  });

  it("yet train speaks of relativity in other words, so the demonstration can be answered", () => {
    const about = splits.train.filter((p) => p.output.includes("相对论"));
    expect(about.length).toBeGreaterThanOrEqual(4);
  });
});

describe("the leak check", () => {
  const known: Pair = {
    id: "capital-en-01",
    instruction: "What is the capital of France?",
    output: "It is Paris, a city on the Seine.",
    language: "en",
    skill: "capital",
  };
  const fresh: Pair = {
    ...known,
    id: "capital-en-02",
    instruction: "Which city do the French call their capital?",
    output: "Paris, the old city on the Seine.",
  };

  it("lets a different question with its own answer through", () => {
    expect(leaks([known], [fresh])).toEqual([]);
  });

  it.each([
    ["a change of case, spaces and punctuation", "what is  the CAPITAL of France", "same instruction"],
    ["a change of word order", "The capital of France is what?", "same instruction"],
    ["an added courtesy", "Please, what is the capital of France?", "alike (0.77)"],
  ])("catches %s", (_, instruction, reason) => {
    expect(leaks([known], [{ ...fresh, instruction }])).toEqual([expect.stringContaining(reason)]);
  });

  it("catches a looser rewording when the answer is the same too", () => {
    const reworded = { ...fresh, instruction: "Can you say what is the capital of France?" };
    expect(leaks([known], [reworded])).toEqual([]);
    const short = { ...known, output: "Paris." };
    expect(leaks([short], [{ ...reworded, output: "Paris!" }])).toEqual([
      expect.stringContaining("alike (0.69)"),
    ]);
  });

  it("catches a long answer copied to a new question", () => {
    expect(leaks([known], [{ ...fresh, output: known.output }])).toEqual([
      expect.stringContaining("answer copied"),
    ]);
  });
});

describe("datasets/instructions", () => {
  it("has at least 600 pairs, with unique ids and no instruction twice", () => {
    expect(all.length).toBeGreaterThanOrEqual(600);
    expect(new Set(all.map((p) => p.id)).size).toBe(all.length);
    expect(new Set(all.map((p) => normalise(p.instruction))).size).toBe(all.length);
  });

  it("names skill and language in the id", () => {
    const wrong = all.filter((p) => !p.id.startsWith(`${p.skill}-${p.language}-`));
    expect(wrong).toEqual([]);
  });

  it("asks in the language it names", () => {
    // A question may quote the other language, so a Chinese one needs some Chinese and an English one mostly English.
    const wrong = all.filter(({ instruction, language }) => {
      const chinese = instruction.match(/\p{Script=Han}/gu)?.length ?? 0;
      const latin = instruction.match(/[a-z]/gi)?.length ?? 0;
      return language === "zh" ? chinese < 2 : latin <= chinese;
    });
    expect(wrong).toEqual([]);
  });

  it("answers in the language of the question, except where another is asked for", () => {
    const answers = all.filter((p) => !["translate", "plural", "repeat"].includes(p.skill));
    const wrong = answers.filter((p) =>
      p.language === "zh"
        ? !/\p{Script=Han}|^[\d.]+。$/u.test(p.output) || /[a-z]{3}/.test(p.output)
        : /\p{Script=Han}/u.test(p.output),
    );
    expect(wrong).toEqual([]);
  });

  it("ends every answer as a sentence ends, in its language", () => {
    const wrong = all.filter(
      (p) => !(/\p{Script=Han}|。$/u.test(p.output) ? /[。！？]$/ : /[.!?]$/).test(p.output),
    );
    expect(wrong).toEqual([]);
  });

  it("keeps answers short: 24 characters where one answer is right, 160 elsewhere", () => {
    const wrong = all.filter((p) => p.output.length > (isExact(p) ? 24 : 160));
    expect(wrong).toEqual([]);
  });

  it.each(bySplit)("keeps both languages and all skills in balance in %s", (_, pairs) => {
    expect(share(pairs, (p) => p.language === "zh")).toBeCloseTo(0.5, 1);
    expect(Math.abs(share(pairs, isExact) - share(all, isExact))).toBeLessThan(0.05);
    for (const skill of SKILLS) {
      const drift = share(pairs, (p) => p.skill === skill) - share(all, (p) => p.skill === skill);
      expect(Math.abs(drift), skill).toBeLessThan(0.02);
      for (const language of ["zh", "en"])
        expect(
          pairs.filter((p) => p.skill === skill && p.language === language).length,
          skill,
        ).toBeGreaterThanOrEqual(2);
    }
  });

  it.each(bySplit)("goes round the skills in %s, so a short slice is a fair sample", (_, pairs) => {
    const firstRound = pairs.slice(0, 2 * SKILLS.length).map((p) => `${p.skill} ${p.language}`);
    expect(new Set(firstRound).size).toBe(2 * SKILLS.length);
  });

  it("has a card with the true counts", () => {
    const card = readFileSync(new URL("README.md", folder), "utf8");
    for (const skill of SKILLS) {
      const counts = bySplit.map(([, pairs]) => pairs.filter((p) => p.skill === skill).length);
      expect(card).toContain(`| \`${skill}\` | ${counts.join(" | ")} |`);
    }
    expect(card).toContain(`| **all** | ${bySplit.map(([, pairs]) => pairs.length).join(" | ")} |`);
  });
});
