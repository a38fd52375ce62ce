import { ask, capital, type Drill, type DrillSet } from "./drill.js";
import type { Thing } from "./things.js";

const DAYS: readonly Thing[] = [
  ["Monday", "星期一"],
  ["Tuesday", "星期二"],
  ["Wednesday", "星期三"],
  ["Thursday", "星期四"],
  ["Friday", "星期五"],
  ["Saturday", "星期六"],
  ["Sunday", "星期天"],
];

const MONTHS: readonly Thing[] = [
  ["January", "一月"],
  ["February", "二月"],
  ["March", "三月"],
  ["April", "四月"],
  ["May", "五月"],
  ["June", "六月"],
  ["July", "七月"],
  ["August", "八月"],
  ["September", "九月"],
  ["October", "十月"],
  ["November", "十一月"],
  ["December", "十二月"],
];

const SEASONS: readonly Thing[] = [
  ["spring", "春天"],
  ["summer", "夏天"],
  ["autumn", "秋天"],
  ["winter", "冬天"],
];

/** Seven days, twelve months or four seasons, which follow each other in a ring, and how to ask for a neighbour. */
interface Ring {
  readonly members: readonly Thing[];
  readonly after: { readonly en: readonly string[]; readonly zh: readonly string[] };
  readonly before: { readonly en: readonly string[]; readonly zh: readonly string[] };
}

const RINGS: readonly Ring[] = [
  {
    members: DAYS,
    after: {
      en: [
        "Which day comes after {x}?",
        "Today is {x}. What day is tomorrow?",
        "What is the next day after {x}?",
        "{x} is followed by which day?",
        "Yesterday was {x}. What day is it today?",
      ],
      zh: [
        "{x}之后是星期几？",
        "今天是{x}，明天是星期几？",
        "{x}的下一天是星期几？",
        "昨天是{x}，今天是星期几？",
        "过了{x}就是星期几？",
      ],
    },
    before: {
      en: [
        "Which day comes before {x}?",
        "Today is {x}. Which day was it yesterday?",
        "What day is just before {x}?",
        "Tomorrow is {x}. What day is it today?",
        "Name the day in front of {x}.",
      ],
      zh: [
        "{x}之前是星期几？",
        "今天是{x}，昨天是星期几？",
        "{x}的前一天是哪天？",
        "明天是{x}，今天是星期几？",
        "{x}前面的一天是星期几？",
      ],
    },
  },
  {
    members: MONTHS,
    after: {
      en: [
        "What month comes after {x}?",
        "This month is {x}. What is the next month?",
        "Which month follows {x}?",
        "{x} is over. Which month begins?",
      ],
      zh: [
        "{x}之后是哪个月？",
        "这个月是{x}，下个月是几月？",
        "{x}的下一个月是几月？",
        "{x}过完了，接着是几月？",
      ],
    },
    before: {
      en: [
        "What month comes before {x}?",
        "This month is {x}. What was the last month?",
        "Which month is right before {x}?",
        "Name the month in front of {x}.",
      ],
      zh: ["{x}之前是哪个月？", "这个月是{x}，上个月是几月？", "{x}的上一个月是几月？", "{x}前面是几月？"],
    },
  },
  {
    members: SEASONS,
    after: {
      en: [
        "What season comes after {x}?",
        "{x} is over. Which season begins?",
        "Which season is next after {x}?",
        "{x} ends. Which season starts?",
      ],
      zh: [
        "{x}之后是什么季节？",
        "{x}过完了，接着是什么季节？",
        "{x}的下一个季节是什么？",
        "{x}后面是哪个季节？",
      ],
    },
    before: {
      en: [
        "Which season comes before {x}?",
        "It is {x} now. Which season is just over?",
        "Which season is right before {x}?",
        "Name the season in front of {x}.",
      ],
      zh: [
        "{x}之前是什么季节？",
        "现在是{x}，刚过去的是哪个季节？",
        "{x}的上一个季节是什么？",
        "{x}前面是哪个季节？",
      ],
    },
  },
];

function neighbours({ members, after, before }: Ring): Drill[] {
  const at = (place: number) => members[(place + members.length) % members.length] ?? ["", ""];
  return members.flatMap(([en, zh], place) =>
    [
      { phrasings: after, next: at(place + 1) },
      { phrasings: before, next: at(place - 1) },
    ].flatMap(({ phrasings, next }) => {
      const answer = { en: `${capital(next[0])}.`, zh: `${next[1]}。` };
      const item = [
        { names: [en], answer: answer.en },
        { names: [zh], answer: answer.zh },
      ];
      return [
        ...ask("en", phrasings.en, { x: en }, answer.en, item),
        ...ask("zh", phrasings.zh, { x: zh }, answer.zh, item),
      ];
    }),
  );
}

/** The day, month or season before and after. */
export const calendar: DrillSet = {
  skill: "calendar",
  heldOut: "facts",
  drills: () => RINGS.flatMap(neighbours),
};
