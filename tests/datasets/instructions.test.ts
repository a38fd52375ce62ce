import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { leaks, normalise } from "../../scripts/drills/leaks.js";
import { EXACT, formatPairs, type Pair, parsePairs, SKILLS } from "../../scripts/drills/pair.js";
import { makeDrills } from "../../scripts/drills/select.js";
import { drillSets } from "../../scripts/drills/sets.js";

const folder = new URL("../../datasets/instructions/", import.meta.url);
const DEMONSTRATION = "请介绍一下爱因斯坦的相对论";

const isExact = (pair: Pair) => EXACT.some((skill) => skill === pair.skill);

const readText = (name: string) => readFileSync(new URL(name, folder), "utf8");
const readSplit = (name: string): Pair[] => parsePairs(readText(`${name}.jsonl`));

const splits = { train: readSplit("train"), validation: readSplit("validation"), test: readSplit("test") };
const all = Object.values(splits).flat();
const bySplit = Object.entries(splits);
const drills = readSplit("drills");
const everything = [...all, ...drills];

const share = (pairs: Pair[], keep: (pair: Pair) => boolean) => pairs.filter(keep).length / pairs.length;

describe("the splits of datasets/instructions do not leak", () => {
  it("from train into validation", () => expect(leaks(splits.train, splits.validation)).toEqual([]));
  it("from train into test", () => expect(leaks(splits.train, splits.test)).toEqual([]));
  it("from validation into test", () => expect(leaks(splits.validation, splits.test)).toEqual([]));
  it("from the drills into validation", () => expect(leaks(drills, splits.validation)).toEqual([]));
  it("from the drills into test", () => expect(leaks(drills, splits.test)).toEqual([]));

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
    expect(new Set(everything.map((p) => p.id)).size).toBe(everything.length);
    expect(new Set(everything.map((p) => normalise(p.instruction))).size).toBe(everything.length);
  });

  it("names skill and language in the id", () => {
    const wrong = everything.filter((p) => {
      const kind = drills.includes(p) ? "drill-" : "";
      return !p.id.startsWith(`${kind}${p.skill}-${p.language}-`);
    });
    expect(wrong).toEqual([]);
  });

  it("asks in the language it names", () => {
    // A question may quote the other language, so a Chinese one needs some Chinese and an English one mostly English.
    const wrong = everything.filter(({ instruction, language }) => {
      const chinese = instruction.match(/\p{Script=Han}/gu)?.length ?? 0;
      const latin = instruction.match(/[a-z]/gi)?.length ?? 0;
      return language === "zh" ? chinese < 2 : latin <= chinese;
    });
    expect(wrong).toEqual([]);
  });

  it("answers in the language of the question, except where another is asked for", () => {
    const answers = everything.filter((p) => !["translate", "plural", "repeat"].includes(p.skill));
    const wrong = answers.filter((p) =>
      p.language === "zh"
        ? !/\p{Script=Han}|^[\d.]+。$/u.test(p.output) || /[a-z]{3}/.test(p.output)
        : /\p{Script=Han}/u.test(p.output),
    );
    expect(wrong).toEqual([]);
  });

  it("ends every answer as a sentence ends, in its language", () => {
    const wrong = everything.filter(
      (p) => !(/\p{Script=Han}|。$/u.test(p.output) ? /[。！？]$/ : /[.!?]$/).test(p.output),
    );
    expect(wrong).toEqual([]);
  });

  it("keeps answers short: 24 characters where one answer is right, 160 elsewhere", () => {
    const wrong = everything.filter((p) => p.output.length > (isExact(p) ? 24 : 160));
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
    const card = readText("README.md");
    for (const skill of SKILLS) {
      const counts = bySplit.map(([, pairs]) => pairs.filter((p) => p.skill === skill).length);
      expect(card).toContain(`| \`${skill}\` | ${counts.join(" | ")} |`);
    }
    expect(card).toContain(`| **all** | ${bySplit.map(([, pairs]) => pairs.length).join(" | ")} |`);
    expect(card).toContain(`${drills.length.toLocaleString("en")} drills`);
  });
});

describe("datasets/instructions/drills.jsonl", () => {
  const heldOut = [...splits.validation, ...splits.test];

  it("is what the generator writes, byte for byte", () => {
    expect(formatPairs(makeDrills(splits.train, heldOut)) === readText("drills.jsonl")).toBe(true);
  });

  it("drills every skill it has a list for, and as often in one language as in the other", () => {
    const skills = drillSets.map((set) => set.skill);
    expect(new Set(drills.map((p) => p.skill))).toEqual(new Set(skills));
    for (const skill of skills)
      for (const language of ["zh", "en"]) {
        const count = drills.filter((p) => p.skill === skill && p.language === language).length;
        expect(count, `${skill} ${language}`).toBe(drills.length / skills.length / 2);
      }
  });

  it("asks for each right answer of a closed list equally often", () => {
    for (const skill of ["sentiment", "language-id", "category", "yes-no"]) {
      for (const language of ["zh", "en"]) {
        const answers = drills
          .filter((p) => p.skill === skill && p.language === language)
          .map((p) => p.output);
        const counts = [...new Set(answers)].map((answer) => answers.filter((a) => a === answer).length);
        expect(Math.max(...counts) - Math.min(...counts), `${skill} ${language}`).toBeLessThanOrEqual(1);
      }
    }
  });

  it("answers in the exact words of train where the list of answers is closed", () => {
    for (const skill of ["sentiment", "language-id", "category", "yes-no"]) {
      const answers = (pairs: Pair[]) =>
        new Set(pairs.filter((p) => p.skill === skill).map((p) => `${p.language} ${p.output}`));
      expect(answers(drills), skill).toEqual(answers(splits.train));
    }
  });

  it("goes round the skills, so a short slice is a fair sample", () => {
    const firstRound = drills.slice(0, 2 * drillSets.length).map((p) => `${p.skill} ${p.language}`);
    expect(new Set(firstRound).size).toBe(2 * drillSets.length);
  });

  it.each([
    ["a word to repeat", "repeat", ["island", "mountain", "cold water", "green tea", "大桥", "高山"]],
    ["a noun", "plural", ["cat", "baby", "woman", "tree"]],
    [
      "a thing to classify",
      "category",
      ["lion", "狮子", "panda", "熊猫", "cake", "蛋糕", "Egypt", "埃及", "Shanghai"],
    ],
    [
      "a sentence to name",
      "language-id",
      ["My sister bakes bread", "The boat is on the lake", "他喜欢唱歌", "山上有一座小屋"],
    ],
    ["a bird that is none", "yes-no", ["bat", "insects", "蝙蝠", "昆虫"]],
  ])("does not ask again for %s that is held out", (_, skill, words) => {
    const asked = drills.filter((p) => p.skill === skill);
    const wrong = asked.filter((p) =>
      words.some((word) => new RegExp(`(?<![a-z])${word}(?![a-z])`, "i").test(p.instruction)),
    );
    expect(wrong).toEqual([]);
  });

  it("drills no fact that only a held-out question gives away", () => {
    const changed = splits.train.filter((p) => p.skill !== "capital" || !/Tokyo|东京/.test(p.output));
    const tokyo = (pairs: Pair[]) =>
      pairs.filter((p) => p.skill === "capital" && /Tokyo|东京/.test(p.output));
    expect(tokyo(drills).length).toBeGreaterThan(0);
    expect(tokyo(makeDrills(changed, heldOut))).toEqual([]);
  });
});
