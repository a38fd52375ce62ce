import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const folder = new URL("../../datasets/corpus/", import.meta.url);
const LANGUAGES = ["zh", "en"] as const;
const SEPARATOR = "\n---\n";
const DEMONSTRATION = "请介绍一下爱因斯坦的相对论";

interface CorpusFile {
  language: (typeof LANGUAGES)[number];
  name: string;
  bytes: Buffer;
  text: string;
  documents: string[];
}

const files: CorpusFile[] = LANGUAGES.flatMap((language) =>
  readdirSync(new URL(`${language}/`, folder)).map((file) => {
    const bytes = readFileSync(new URL(`${language}/${file}`, folder));
    const text = bytes.toString("utf8");
    const documents = text.replace(/\n$/, "").split(SEPARATOR);
    return { language, name: `${language}/${file}`, bytes, text, documents };
  }),
);
const documentsOf = (...languages: string[]) =>
  files.filter((file) => languages.includes(file.language)).flatMap((file) => file.documents);
const documents = documentsOf("zh", "en");
const bytesOf = (...texts: string[]) => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);

const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;
/** Share of the words that are Chinese; a Chinese character counts as a word. */
const hanShare = (text: string) =>
  count(text, /\p{Script=Han}/gu) / Math.max(1, count(text, /\p{Script=Han}|\p{Script=Latin}+/gu));

/** What no text may hold, each with the reason. */
const FORBIDDEN: ReadonlyArray<readonly [string, RegExp]> = [
  ["a control or invisible character", /[^\P{C}\n]/u],
  ["a character that stands for broken text", /\uFFFD/],
  ["white space at the end of a line", /[^\S\n]$/m],
  ["two blank lines in a row", /\n\n\n/],
  ["a blank line beside a separator", /\n\n---|---\n\n/],
  ["an empty first or last line", /^\n|\n\n$/],
  ["an e-mail address or a handle", /@/],
  ["a web address", /https?:|www\.|\b[a-z0-9-]+\.(?:com|org|net|cn)\b/i],
  ["a telephone, card or identity number", /(?<![\d.])\+?\d(?:[ -]?\d){6,}/],
  ["a path of somebody's machine", /\/(?:home|Users|root)\/|[A-Z]:\\/],
  [
    "instruction or chat markup",
    /<\|?\/?\w+\|?>|###|^(?:问|答|User|Assistant|Question|Answer|指令|回答)\s*[:：]/m,
  ],
];

/** Names of everything in `text` that a plain, anonymous, unformatted text must not hold. */
function flaws(text: string): string[] {
  const found = FORBIDDEN.filter(([, pattern]) => pattern.test(text)).map(([name]) => name);
  return text === text.normalize("NFC") ? found : [...found, "text that is not in NFC"];
}

/** The set of runs of eight words; a Chinese character counts as a word. */
function eightGrams(text: string): Set<string> {
  const words = text.toLowerCase().match(/\p{Script=Han}|[\p{Script=Latin}\p{N}']+/gu) ?? [];
  return new Set(words.slice(7).map((_, start) => words.slice(start, start + 8).join(" ")));
}

/** Pairs of documents that share more than `limit` of the shorter one's 8-grams, and the share of 8-grams seen in two. */
function overlaps(texts: string[], limit: number): { pairs: [number, number][]; repeated: number } {
  const grams = texts.map(eightGrams);
  const owners = new Map<string, number[]>();
  grams.forEach((set, index) => {
    for (const gram of set) owners.set(gram, [...(owners.get(gram) ?? []), index]);
  });
  const shared = new Map<string, number>();
  for (const owner of owners.values()) {
    owner.forEach((first, rank) => {
      for (const second of owner.slice(rank + 1)) {
        shared.set(`${first} ${second}`, (shared.get(`${first} ${second}`) ?? 0) + 1);
      }
    });
  }
  const pairs = [...shared].flatMap(([key, number]): [number, number][] => {
    const [first = 0, second = 0] = key.split(" ").map(Number);
    const shorter = Math.min(grams[first]?.size ?? 0, grams[second]?.size ?? 0);
    return number > limit * shorter ? [[first, second]] : [];
  });
  const total = grams.reduce((sum, set) => sum + set.size, 0);
  const repeated = grams
    .flatMap((set) => [...set])
    .filter((gram) => (owners.get(gram)?.length ?? 0) > 1).length;
  return { pairs, repeated: repeated / Math.max(1, total) };
}

describe("the base corpus", () => {
  it("holds at least 300,000 bytes, in two languages of similar weight", () => {
    expect(bytesOf(...documents)).toBeGreaterThanOrEqual(300_000);
    const chinese = bytesOf(...documentsOf("zh")) / bytesOf(...documents);
    expect(chinese).toBeGreaterThan(0.45);
    expect(chinese).toBeLessThan(0.6);
  });

  it("is mostly Chinese in zh/ and mostly English in en/, document by document", () => {
    expect(documentsOf("zh").filter((text) => hanShare(text) < 0.6)).toEqual([]);
    expect(documentsOf("en").filter((text) => hanShare(text) > 0.4)).toEqual([]);
  });

  it.each(files)("$name is valid UTF-8, and nothing but plain, anonymous text", ({ bytes, text }) => {
    expect(() => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)).not.toThrow();
    expect(flaws(text)).toEqual([]);
    expect(text.endsWith("\n")).toBe(true);
  });

  it("has documents of 25 to 1,500 characters", () => {
    expect(documents.filter((text) => text.length < 25 || text.length > 1500)).toEqual([]);
  });

  it("has no document twice, even with other punctuation", () => {
    const seen = new Set<string>();
    const bare = documents.map((text) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""));
    expect(bare.filter((text) => seen.size === seen.add(text).size)).toEqual([]);
  });

  it("does not repeat itself: no pair shares half its 8-grams, and under 2 % of all 8-grams come twice", () => {
    const { pairs, repeated } = overlaps(documents, 0.5);
    expect(pairs.map(([first, second]) => [documents[first], documents[second]])).toEqual([]);
    expect(repeated).toBeLessThan(0.02);
  });

  it("uses few characters often: 1,500 Chinese characters cover 95 % of the Chinese text", () => {
    const frequency = new Map<string, number>();
    for (const character of documentsOf("zh")
      .join("")
      .match(/\p{Script=Han}/gu) ?? []) {
      frequency.set(character, (frequency.get(character) ?? 0) + 1);
    }
    const ranked = [...frequency.values()].sort((a, b) => b - a);
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
    expect(sum(ranked.slice(0, 1500)) / sum(ranked)).toBeGreaterThan(0.95);
  });

  it("states its sizes in the card, right to one percent", () => {
    const card = readFileSync(new URL("README.md", folder), "utf8");
    for (const language of LANGUAGES) {
      const row = new RegExp(
        `^\\| \`${language}/\` \\|.*\\| ([\\d,]+) \\| ([\\d,]+) \\| ([\\d,]+) \\|$`,
        "m",
      ).exec(card);
      const [inFiles, inDocuments, inBytes] = (row ?? [])
        .slice(1)
        .map((cell) => Number(cell.replaceAll(",", "")));
      const own = files.filter((file) => file.language === language);
      const size = own.reduce((sum, file) => sum + file.bytes.length, 0);
      expect(inFiles).toBe(own.length);
      expect(Math.abs((inDocuments ?? 0) / documentsOf(language).length - 1)).toBeLessThan(0.01);
      expect(Math.abs((inBytes ?? 0) / size - 1)).toBeLessThan(0.01);
    }
  });
});

describe("what the base model is meant to pick up", () => {
  const lists = files.filter(({ name }) => name.endsWith("questions.txt"));

  it("sees 15 to 30 KB of questions that nobody answers, many beginning with 请介绍一下", () => {
    const text = lists.map((file) => file.text).join("\n");
    expect(bytesOf(text)).toBeGreaterThan(15_000);
    expect(bytesOf(text)).toBeLessThan(30_000);
    expect(count(text, /请介绍一下/g)).toBeGreaterThan(100);
    expect(count(text, /^(?:Explain|Describe|Please introduce)/gm)).toBeGreaterThan(50);
  });

  it("always sees the demonstration's words go on: they never end a line or a sentence", () => {
    const followers = documents.flatMap((text) =>
      text
        .split(DEMONSTRATION)
        .slice(1)
        .map((rest) => rest.slice(0, 1)),
    );
    expect(followers.length).toBeGreaterThanOrEqual(3);
    expect(followers.filter((next) => !/\p{L}/u.test(next))).toEqual([]);
  });

  it.each([
    ["Einstein and the special theory", /Einstein/, /1905/],
    ["爱因斯坦与狭义相对论", /爱因斯坦/, /1905年/],
    ["E=mc² in English", /E=mc²|mass and energy|energy and mass/i, /energy/],
    ["E=mc² in Chinese", /E=mc²|质量和能量|能量和质量/, /能量/],
    ["photosynthesis", /photosynthesis/i, /oxygen/],
    ["光合作用", /光合作用/, /氧气/],
    ["the tides and the Moon", /tide/, /Moon/],
    ["潮汐与月球", /潮/, /月球|月亮/],
    ["Canberra, not Sydney", /Canberra/, /Australia/],
    ["堪培拉", /堪培拉/, /澳大利亚/],
    ["Marie Curie and Poland", /Curie/, /Poland|Warsaw/],
    ["居里夫人与波兰", /居里/, /波兰/],
    ["a token", /token/i, /piece of text|small piece/],
    ["词元", /词元/, /一小段/],
    ["the loss", /\bloss\b/, /smaller|small/],
    ["损失", /损失/, /越小/],
    ["supervised fine-tuning", /fine-tuning/, /instruction/],
    ["监督微调", /监督微调/, /回答/],
    ["a reward model", /reward model/i, /score|judge/],
    ["奖励模型", /奖励模型/, /打分/],
    ["the giant panda and bamboo", /panda/i, /bamboo/],
    ["大熊猫与竹子", /大熊猫/, /竹子/],
    ["Li Bai", /Li Bai/, /poet/i],
    ["李白", /李白/, /诗/],
  ])("reads about %s in at least two documents of prose", (_, subject, detail) => {
    const prose = files.filter((file) => !lists.includes(file)).flatMap((file) => file.documents);
    expect(prose.filter((text) => subject.test(text) && detail.test(text)).length).toBeGreaterThanOrEqual(2);
  });
});

describe("the checks themselves", () => {
  it.each([
    ["a tab", "one\ttwo"],
    ["a byte-order mark", "\uFEFFone"],
    ["broken text", "one \uFFFD two"],
    ["a decomposed accent", "cafe\u0301"],
    ["a trailing space", "one \ntwo"],
    ["an ideographic space at the end", "一二\u3000\n三"],
    ["an e-mail address", "write to anna@example.org"],
    ["a web address", "see www.example.org"],
    ["a mobile number", "call 138 0013 8000"],
    ["a home folder", "in /home/anna/texts"],
    ["a chat turn", "User: hello"],
    ["a Chinese answer", "问：你好吗\n答：我很好"],
    ["a template token", "<|im_start|>"],
  ])("find %s", (_, text) => {
    expect(flaws(text).length).toBeGreaterThan(0);
  });

  it("find a document that was copied with one word changed, and leave the others alone", () => {
    const original = documents[0] ?? "";
    const copy = original.replace(/\p{Script=Han}/u, "某");
    expect(overlaps([original, documents.at(-1) ?? "", copy], 0.5).pairs).toEqual([[0, 2]]);
  });
});
