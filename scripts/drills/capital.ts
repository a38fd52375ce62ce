import { COUNTRIES } from "./countries.js";
import { ask, type DrillSet } from "./drill.js";

const CITY = {
  en: [
    "What is the capital of {x}?",
    "{x}: name its capital.",
    "The capital of {x}, please.",
    "Which city is {x}'s capital?",
    "Tell me which city is the capital of {x}.",
    "Of {x}, what is the capital city?",
    "In {x}, which city is the capital?",
  ],
  zh: [
    "{x}的首都是哪里？",
    "{x}的首都是哪个城市？",
    "请告诉我{x}的首都。",
    "{x}首都的名字是什么？",
    "请回答：{x}的首都。",
    "{x}这个国家的首都在哪里？",
    "说出{x}首都的名字。",
  ],
};

const COUNTRY = {
  en: [
    "{x} is the capital of what country?",
    "Which country has {x} as its capital?",
    "{x} is a capital. Of which country?",
    "Name the country with the capital {x}.",
  ],
  zh: [
    "{x}是哪国的首都？",
    "首都是{x}的国家是哪个？",
    "哪个国家以{x}为首都？",
    "{x}是一个国家的首都，是哪个国家？",
  ],
};

/** The capital of a country and the country of a capital. */
export const capital: DrillSet = {
  skill: "capital",
  heldOut: "facts",
  drills: () =>
    COUNTRIES.flatMap(({ en, zh, capital: [city, zhCity] }) => {
      const toCity = [
        { names: [en], answer: `${city}.` },
        { names: [zh], answer: `${zhCity}。` },
      ];
      const toCountry = [
        { names: [city], answer: `${en}.` },
        { names: [zhCity], answer: `${zh}。` },
      ];
      return [
        ...ask("en", CITY.en, { x: en }, `${city}.`, toCity),
        ...ask("zh", CITY.zh, { x: zh }, `${zhCity}。`, toCity),
        ...ask("en", COUNTRY.en, { x: city }, `${en}.`, toCountry),
        ...ask("zh", COUNTRY.zh, { x: zhCity }, `${zh}。`, toCountry),
      ];
    }),
};
