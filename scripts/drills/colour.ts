import { ask, type Drill, type DrillSet } from "./drill.js";

/** Things by their colour. */
const COLOURS = [
  {
    en: "White.",
    zh: "白色。",
    things:
      "fresh snow=新下的雪, milk=牛奶, salt=盐, sugar=糖, a polar bear=北极熊, tofu=豆腐, steamed rice=米饭, cotton=棉花, a swan=天鹅",
  },
  { en: "Black.", zh: "黑色。", things: "coal=煤, a crow=乌鸦, the sky at midnight=半夜的天空, ink=墨汁" },
  {
    en: "Red.",
    zh: "红色。",
    things:
      "blood=血, a ripe tomato=熟了的西红柿, the planet Mars=火星, the light that stops cars=让汽车停下的信号灯, a ripe cherry=熟了的樱桃",
  },
  {
    en: "Yellow.",
    zh: "黄色。",
    things: "a ripe banana=熟透的香蕉, a lemon=柠檬, a sunflower=向日葵, butter=黄油",
  },
  {
    en: "Green.",
    zh: "绿色。",
    things: "grass=青草, a leaf in summer=夏天的树叶, bamboo=竹子, a bamboo leaf=竹叶",
  },
  {
    en: "Blue.",
    zh: "蓝色。",
    things:
      "the sky at noon=中午的晴空, the sea on a sunny day=晴天的大海, the sky on a sunny day=晴天的天空",
  },
  {
    en: "Orange.",
    zh: "橙色。",
    things: "a carrot=胡萝卜, a ripe orange=熟了的橙子",
  },
  {
    en: "Purple.",
    zh: "紫色。",
    things: "an eggplant=茄子",
  },
  { en: "Brown.", zh: "棕色。", things: "a tree trunk=树干, chocolate=巧克力, roasted coffee=烤好的咖啡豆" },
] as const;

const ENGLISH_PHRASINGS = [
  "What colour is {x}?",
  "Which colour does {x} have?",
  "What is the usual colour of {x}?",
  "{x}: what colour?",
  "Name the colour of {x}.",
  "Say which colour {x} has.",
  "I am painting {x}. Which colour do I need?",
  "Think of {x}. What colour do you see?",
];

const CHINESE_PHRASINGS = [
  "{x}是什么颜色？",
  "{x}是哪种颜色的？",
  "{x}的颜色是什么？",
  "说出{x}的颜色。",
  "{x}一般是什么颜色？",
  "我要画{x}，该用什么颜色？",
  "想一想{x}，它是什么颜色？",
  "请回答{x}的颜色。",
];

/** Two paints and what they make. */
const MIXES = [
  { en: ["red", "yellow", "Orange."], zh: ["红", "黄", "橙色。"] },
  { en: ["blue", "yellow", "Green."], zh: ["蓝", "黄", "绿色。"] },
  { en: ["red", "blue", "Purple."], zh: ["红", "蓝", "紫色。"] },
] as const;

const ENGLISH_MIXINGS = [
  "Mix {a} and {b} paint. What colour is it now?",
  "{a} and {b} make which colour?",
  "What colour do {a} paint and {b} paint give together?",
];

const CHINESE_MIXINGS = [
  "{a}色加{b}色变成什么颜色？",
  "把{a}颜料和{b}颜料混在一起，是什么颜色？",
  "{a}和{b}调出来是什么颜色？",
];

function mixes(): Drill[] {
  return MIXES.flatMap(({ en: [a, b, made], zh: [zhA, zhB, zhMade] }) => {
    const item = [
      { names: [a, b], answer: made },
      { names: [zhA, zhB], answer: zhMade },
    ];
    return [
      ...ask("en", ENGLISH_MIXINGS, { a, b }, made, item),
      ...ask("en", ENGLISH_MIXINGS, { a: b, b: a }, made, item),
      ...ask("zh", CHINESE_MIXINGS, { a: zhA, b: zhB }, zhMade, item),
      ...ask("zh", CHINESE_MIXINGS, { a: zhB, b: zhA }, zhMade, item),
    ];
  });
}

/** The colour of a thing. */
export const colour: DrillSet = {
  skill: "colour",
  heldOut: "facts",
  drills: () => [
    ...mixes(),
    ...COLOURS.flatMap((shade) =>
      shade.things.split(", ").flatMap((entry) => {
        const [en = "", zh = ""] = entry.split("=");
        const item = [
          { names: [en], answer: shade.en },
          { names: [zh], answer: shade.zh },
        ];
        return [
          ...ask("en", ENGLISH_PHRASINGS, { x: en }, shade.en, item),
          ...ask("zh", CHINESE_PHRASINGS, { x: zh }, shade.zh, item),
        ];
      }),
    ),
  ],
};
