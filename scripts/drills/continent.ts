import { COUNTRIES } from "./countries.js";
import { ask, type DrillSet } from "./drill.js";

/** Cities and famous places besides the countries. */
const PLACES = [
  ["the Nile", "尼罗河", "Africa", "非洲"],
  ["the Sahara", "撒哈拉沙漠", "Africa", "非洲"],
  ["Cairo", "开罗", "Africa", "非洲"],
  ["Nairobi", "内罗毕", "Africa", "非洲"],
  ["the Amazon", "亚马孙河", "South America", "南美洲"],
  ["Lima", "利马", "South America", "南美洲"],
  ["Brasília", "巴西利亚", "South America", "南美洲"],
  ["the United States", "美国", "North America", "北美洲"],
  ["Ottawa", "渥太华", "North America", "北美洲"],
  ["Havana", "哈瓦那", "North America", "北美洲"],
  ["Mexico City", "墨西哥城", "North America", "北美洲"],
  ["Canberra", "堪培拉", "Oceania", "大洋洲"],
  ["Sydney", "悉尼", "Oceania", "大洋洲"],
  ["Wellington", "惠灵顿", "Oceania", "大洋洲"],
  ["the Great Wall", "长城", "Asia", "亚洲"],
  ["the Yangtze", "长江", "Asia", "亚洲"],
  ["Beijing", "北京", "Asia", "亚洲"],
  ["Tokyo", "东京", "Asia", "亚洲"],
  ["Paris", "巴黎", "Europe", "欧洲"],
  ["Rome", "罗马", "Europe", "欧洲"],
  ["the United Kingdom", "英国", "Europe", "欧洲"],
  ["the Netherlands", "荷兰", "Europe", "欧洲"],
  ["the South Pole", "南极点", "Antarctica", "南极洲"],
] as const;

const ALL = [
  ...PLACES,
  ...COUNTRIES.map(({ en, zh, continent }) => [en, zh, continent[0], continent[1]] as const),
];

const ENGLISH_PHRASINGS = [
  "Which continent is {x} in?",
  "On what continent is {x}?",
  "{x} is on which continent?",
  "Tell me the continent of {x}.",
  "Where is {x}? Give the continent.",
  "I want to see {x}. To which continent do I go?",
  "{x}: name the continent.",
  "Say on which continent we find {x}.",
];

const CHINESE_PHRASINGS = [
  "{x}在哪个洲？",
  "{x}在哪一洲？",
  "{x}属于什么洲？",
  "请告诉我{x}在哪个大洲。",
  "{x}在哪里？请说出洲名。",
  "我想去看看{x}，要去哪个洲？",
  "说出{x}所在的大洲。",
  "{x}是在哪个大洲？",
];

/** The continent of a country or place. */
export const continent: DrillSet = {
  skill: "continent",
  heldOut: "facts",
  drills: () =>
    ALL.flatMap(([en, zh, on, zhOn]) => {
      const item = [
        { names: [en], answer: `${on}.` },
        { names: [zh], answer: `${zhOn}。` },
      ];
      return [
        ...ask("en", ENGLISH_PHRASINGS, { x: en }, `${on}.`, item),
        ...ask("zh", CHINESE_PHRASINGS, { x: zh }, `${zhOn}。`, item),
      ];
    }),
};
