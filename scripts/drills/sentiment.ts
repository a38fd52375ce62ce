import { ask, type Drill, type DrillSet } from "./drill.js";
import { GLAD, REVIEWS, SAD, type Saying } from "./feelings.js";

const ENGLISH_PHRASINGS = [
  "Is this positive or negative? {text}",
  'Is "{text}" positive or negative?',
  "Positive or negative: {text}",
  "Say positive or negative for this sentence: {text}",
  "What is the feeling, positive or negative? {text}",
  "Judge this comment as positive or negative: {text}",
  'The comment says: "{text}" Is it positive or negative?',
  "Classify this review: {text}",
];

const CHINESE_PHRASINGS = [
  "这是正面还是负面？{text}",
  "“{text}”是正面还是负面？",
  "正面还是负面：{text}",
  "请用正面或负面回答：{text}",
  "这句话的感受是正面还是负面？{text}",
  "判断这条评论是正面还是负面：{text}",
  "有人写道：“{text}”这是正面还是负面？",
  "给这条评价分类，正面或负面：{text}",
];

function feels(good: boolean, [en, zh]: Saying): Drill[] {
  const answer = good ? { en: "Positive.", zh: "正面。" } : { en: "Negative.", zh: "负面。" };
  const item = [
    { names: [en.replace(/[.!]$/, "")], answer: answer.en },
    { names: [zh.replace(/[。！]$/, "")], answer: answer.zh },
  ];
  return [
    ...ask("en", ENGLISH_PHRASINGS, { text: en }, answer.en, item),
    ...ask("zh", CHINESE_PHRASINGS, { text: zh }, answer.zh, item),
  ];
}

const reviews = (verdict: "good" | "bad"): Saying[] =>
  REVIEWS.flatMap((review) =>
    review.subjects.flatMap(([en, zh]) =>
      review[verdict].map(([said, zhSaid]): Saying => [`${en} ${said}.`, `${zh}${zhSaid}。`]),
    ),
  );

/** Positive or negative. */
export const sentiment: DrillSet = {
  skill: "sentiment",
  heldOut: "items",
  drills: () => [
    ...[...GLAD, ...reviews("good")].flatMap((saying) => feels(true, saying)),
    ...[...SAD, ...reviews("bad")].flatMap((saying) => feels(false, saying)),
  ],
};
