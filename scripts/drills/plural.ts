import { ask, type DrillSet } from "./drill.js";

/** Nouns with a plural in -s or -es. */
const REGULAR = `
dog book apple chair table pen pencil lamp door window house school teacher doctor farmer nurse friend brother sister
king queen river lake mountain road bridge boat train car bus box glass class dish brush watch match fox bench
church egg bird horse cow pig duck hen frog bee lion tiger bear camel monkey rabbit spider snake turtle
elephant flower garden forest village market park island star planet moon cloud hand eye ear arm leg finger song
letter word number picture map ship plane wheel hammer needle key clock spoon cup plate bottle hat coat shoe ring
potato tomato boy day toy
`;

/** Nouns with another plural. */
const IRREGULAR = `
child children, man men, foot feet, tooth teeth, mouse mice, goose geese, leaf leaves, knife knives, wolf wolves,
half halves, life lives, wife wives, shelf shelves, thief thieves, sheep sheep, city cities, story stories,
country countries, family families, berry berries, butterfly butterflies, cherry cherries, party parties, lady ladies,
puppy puppies, library libraries, body bodies, fly flies
`;

const regular = (noun: string) => [noun, noun + (/(s|x|ch|sh|to)$/.test(noun) ? "es" : "s")];
const NOUNS = [
  ...REGULAR.trim().split(/\s+/).map(regular),
  ...IRREGULAR.split(",").map((pair) => pair.trim().split(" ")),
];

const ENGLISH_PHRASINGS = [
  'What is the plural of "{noun}"?',
  'The plural of "{noun}", please.',
  'Plural of "{noun}"?',
  'How do we write many of "{noun}"?',
  'Put "{noun}" in the plural.',
  "One {noun}, many what?",
  'Which word means more than one "{noun}"?',
  'Write "{noun}" as a plural word.',
];

const CHINESE_PHRASINGS = [
  "{noun} 的复数是什么？",
  "请把 {noun} 变成复数。",
  "英语单词 {noun} 的复数怎么写？",
  "一个是 {noun}，很多个怎么写？",
  "写出单词 {noun} 的复数形式。",
  "{noun} 变成复数是哪个词？",
  "英文里不止一个 {noun}，应该写成什么？",
  "请告诉我 {noun} 的复数。",
];

/** English plurals. */
export const plural: DrillSet = {
  skill: "plural",
  heldOut: "items",
  drills: () =>
    NOUNS.flatMap(([noun = "", many = ""]) => {
      const item = [{ names: [noun], answer: `${many}.` }];
      return [
        ...ask("en", ENGLISH_PHRASINGS, { noun }, `${many}.`, item),
        ...ask("zh", CHINESE_PHRASINGS, { noun }, `${many}.`, item),
      ];
    }),
};
