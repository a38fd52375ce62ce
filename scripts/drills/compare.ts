import type { Random } from "../../src/backend/random.js";
import { ask, capital, type Drill, type DrillSet, sample } from "./drill.js";
import type { Thing } from "./things.js";

/** Things in order, the least first. Every neighbour is clearly more. */
const SCALES: readonly { readonly en: string; readonly zh: string; readonly things: readonly Thing[] }[] = [
  {
    en: "heavier",
    zh: "重",
    things: [
      ["an ant", "蚂蚁"],
      ["a mouse", "老鼠"],
      ["a rabbit", "兔子"],
      ["a sheep", "羊"],
      ["a horse", "马"],
      ["an elephant", "大象"],
      ["a blue whale", "蓝鲸"],
    ],
  },
  {
    en: "faster",
    zh: "快",
    things: [
      ["a snail", "蜗牛"],
      ["a duck", "鸭子"],
      ["a horse", "马"],
      ["a train", "火车"],
      ["a plane", "飞机"],
    ],
  },
  {
    en: "larger",
    zh: "大",
    things: [
      ["a bee", "蜜蜂"],
      ["a cat", "猫"],
      ["a tiger", "老虎"],
      ["a house", "房子"],
      ["a mountain", "高山"],
      ["the Moon", "月亮"],
      ["the Earth", "地球"],
      ["the Sun", "太阳"],
    ],
  },
];

const ENGLISH = {
  more: [
    "Which is more, {a} or {b}?",
    "Which number is bigger: {a} or {b}?",
    "Name the larger number: {a}, {b}.",
    "{a} and {b}: which is greater?",
    "Give me the bigger one of {a} and {b}.",
    "Take {a} and {b}. What is the higher number?",
  ],
  less: [
    "Which is less, {a} or {b}?",
    "Which number is smaller: {a} or {b}?",
    "Name the lower number: {a}, {b}.",
    "{a} and {b}: which is less?",
    "Give me the smaller one of {a} and {b}.",
    "Take {a} and {b}. What is the lower number?",
  ],
  most: ["Which is the largest: {a}, {b} or {c}?", "Of {a}, {b} and {c}, name the biggest number."],
  least: ["Which is the smallest: {a}, {b} or {c}?", "Of {a}, {b} and {c}, name the lowest number."],
  things: ["Which is {more}, {a} or {b}?", "What is {more}: {a} or {b}?", "{a} or {b}: which one is {more}?"],
};

const CHINESE = {
  more: [
    "{a} 和 {b} 哪个大？",
    "{a} 大还是 {b} 大？",
    "{a}、{b}，更大的数是几？",
    "请写出 {a} 和 {b} 中较大的数。",
    "{a} 同 {b} 比，大的是哪个数？",
    "给你 {a} 与 {b}，大的是多少？",
  ],
  less: [
    "{a} 和 {b} 哪个小？",
    "{a} 小还是 {b} 小？",
    "{a}、{b}，更小的数是几？",
    "请写出 {a} 和 {b} 中较小的数。",
    "{a} 同 {b} 比，小的是哪个数？",
    "给你 {a} 与 {b}，小的是多少？",
  ],
  most: ["{a}、{b} 和 {c}，哪个数最大？", "请找出最大的数：{a}、{b}、{c}。"],
  least: ["{a}、{b} 和 {c}，哪个数最小？", "请找出最小的数：{a}、{b}、{c}。"],
  things: ["{a}和{b}，哪个更{more}？", "{a}跟{b}比，谁更{more}？", "比一比，{a}和{b}哪个{more}？"],
};

function ofNumbers(random: Random): Drill[] {
  const upTo = 9 + random.integer(90);
  const numbers = sample(
    random,
    Array.from({ length: upTo }, (_, at) => at + 1),
    2 + Number(random.integer(4) === 0),
  );
  const most = random.integer(2) === 0;
  const [a = "", b = "", c = ""] = numbers.map(String);
  const kind = numbers.length === 2 ? (most ? "more" : "less") : most ? "most" : "least";
  const answer = most ? Math.max(...numbers) : Math.min(...numbers);
  const item = [{ names: numbers.map(String), answer: `${answer}.` }];
  return [
    ...ask("en", ENGLISH[kind], { a, b, c }, `${answer}.`, item),
    ...ask("zh", CHINESE[kind], { a, b, c }, `${answer}。`, item),
  ];
}

function ofThings(random: Random): Drill[] {
  return SCALES.flatMap(({ en, zh, things }) =>
    things.flatMap((greater, at) =>
      things.slice(0, at).flatMap((lesser) => {
        const [first, second] = random.shuffle([greater, lesser]);
        if (first === undefined || second === undefined) return [];
        const item = [
          { names: [greater[0], lesser[0]], answer: `${capital(greater[0])}.` },
          { names: [greater[1], lesser[1]], answer: `${greater[1]}。` },
        ];
        return [
          ...ask(
            "en",
            ENGLISH.things,
            { a: first[0], b: second[0], more: en },
            `${capital(greater[0])}.`,
            item,
          ),
          ...ask("zh", CHINESE.things, { a: first[1], b: second[1], more: zh }, `${greater[1]}。`, item),
        ];
      }),
    ),
  );
}

/** The larger or smaller of two or three things, numbers most of the time. */
export const compare: DrillSet = {
  skill: "compare",
  heldOut: "items",
  drills: (random) => [...Array.from({ length: 240 }, () => ofNumbers(random)).flat(), ...ofThings(random)],
};
