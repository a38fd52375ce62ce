import type { Random } from "../../src/backend/random.js";
import { CONTINENTS, COUNTRIES } from "./countries.js";
import { ask, type Drill, type DrillSet, type Item, sample } from "./drill.js";
import { FALSE, type Statement, TRUE } from "./statements.js";
import { ANIMALS, FOODS, PLACES } from "./things.js";

const ENGLISH_PHRASINGS = [
  "{x}?",
  "Yes or no: {x}?",
  "Tell me yes or no: {x}?",
  "Answer yes or no. {X}?",
  "I have a question: {x}?",
  "Please say yes or no: {x}?",
];

const CHINESE_PHRASINGS = [
  "{x}吗？",
  "请回答是或不是：{x}吗？",
  "{x}，对吗？请回答是或不是。",
  "我想问一下，{x}吗？",
  "是或不是：{x}。",
  "判断一下，{x}吗？",
];

/** One question, and what counts as asking it elsewhere: its subject, whatever is said of it, in either language. */
function judge(holds: boolean, [en, zh, [name, zhName]]: Statement, more: Item = []): Drill[] {
  const answer = holds ? { en: "Yes.", zh: "是。" } : { en: "No.", zh: "不是。" };
  const item =
    more.length > 0
      ? more
      : [
          { names: [name], answer: answer.en },
          { names: [zhName], answer: answer.zh },
        ];
  const upper = en.charAt(0).toUpperCase() + en.slice(1);
  return [
    ...ask("en", ENGLISH_PHRASINGS, { x: en, X: upper }, answer.en, item),
    ...ask("zh", CHINESE_PHRASINGS, { x: zh }, answer.zh, item),
  ];
}

const another = <T>(random: Random, list: readonly T[], not: T): T[] =>
  sample(
    random,
    list.filter((item) => item !== not),
    1,
  );

/** True and false statements of one pattern about every country, thing and a few numbers. */
function patterns(random: Random): Drill[] {
  const capitals = COUNTRIES.flatMap((country) =>
    [country, ...another(random, COUNTRIES, country)].flatMap(({ capital: [city, zhCity] }, at) =>
      judge(
        at === 0,
        [`is ${city} the capital of ${country.en}`, `${zhCity}是${country.zh}的首都`, [city, zhCity]],
        [
          { names: [city, country.en], answer: at === 0 ? "Yes." : "No." },
          { names: [zhCity, country.zh], answer: at === 0 ? "是。" : "不是。" },
        ],
      ),
    ),
  );
  const continents = COUNTRIES.flatMap((country) =>
    [country.continent, ...another(random, CONTINENTS, country.continent)].flatMap(([en, zh], at) =>
      judge(at === 0, [`is ${country.en} in ${en}`, `${country.zh}是${zh}的国家`, [country.en, country.zh]]),
    ),
  );
  const kinds = [
    { things: ANIMALS, en: "an animal", zh: "动物" },
    { things: FOODS, en: "a food", zh: "食物" },
    { things: PLACES, en: "a place", zh: "地点" },
  ];
  const members = kinds.flatMap((kind) =>
    sample(random, kind.things, 12).flatMap((thing) =>
      [kind, ...another(random, kinds, kind)].flatMap((said, at) =>
        judge(at === 0, [`is ${thing[0]} ${said.en}`, `${thing[1]}是${said.zh}`, thing]),
      ),
    ),
  );
  return [...capitals, ...continents, ...members];
}

/** Whether a statement is true. */
export const yesNo: DrillSet = {
  skill: "yes-no",
  heldOut: "items",
  drills: (random) => [
    ...TRUE.flatMap((statement) => judge(true, statement)),
    ...FALSE.flatMap((statement) => judge(false, statement)),
    ...patterns(random),
  ],
};
