import { ask, bare, type DrillSet } from "./drill.js";
import { ANIMALS, FOODS, PLACES } from "./things.js";

const GROUPS = [
  { things: ANIMALS, en: "Animal.", zh: "动物。" },
  { things: FOODS, en: "Food.", zh: "食物。" },
  { things: PLACES, en: "Place.", zh: "地点。" },
];

const ENGLISH_PHRASINGS = [
  "Is {thing} an animal, a food or a place?",
  "Animal, food or place: {word}?",
  "What is {thing}: animal, food or place?",
  'Which group is right for "{word}": animal, food, place?',
  "{word}: is it an animal, a food or a place?",
  'Put "{word}" into a group. Choose animal, food or place.',
  'Does "{word}" name an animal, a food or a place?',
  'The word "{word}" stands for an animal, a food or a place. Which one?',
];

const CHINESE_PHRASINGS = [
  "{word}是动物、食物还是地点？",
  "动物、食物、地点：{word}是哪一种？",
  "“{word}”属于动物、食物还是地点？",
  "请给“{word}”选一类：动物、食物、地点。",
  "在动物、食物、地点里，{word}算哪一类？",
  "说一说“{word}”的类别：动物、食物或者地点。",
  "{word}，请从动物、食物和地点中选一个。",
  "“{word}”这个词是动物、食物，还是地点？",
];

/** Animal, food or place. */
export const category: DrillSet = {
  skill: "category",
  heldOut: "items",
  drills: () =>
    GROUPS.flatMap((group) =>
      group.things.flatMap(([thing, word]) => {
        const item = [
          { names: [bare(thing)], answer: group.en },
          { names: [word], answer: group.zh },
        ];
        return [
          ...ask("en", ENGLISH_PHRASINGS, { thing, word: bare(thing) }, group.en, item),
          ...ask("zh", CHINESE_PHRASINGS, { word }, group.zh, item),
        ];
      }),
    ),
};
