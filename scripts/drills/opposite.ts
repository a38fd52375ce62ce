import { ask, type Drill, type DrillSet } from "./drill.js";
import type { Language } from "./pair.js";

// A word with several opposites ("old", "short", "light", "hard") is an answer only: `→` asks in one direction.
const ENGLISH = `
big-small, tall→short, long→short, hot-cold, fast-slow, day-night, black-white, up-down, left→right, full-empty,
heavy→light, new→old, young→old, rich-poor, happy-sad, early-late, near-far, strong-weak, soft→hard, wet-dry, clean-dirty,
begin-end, buy-sell, give-take, love-hate, true-false, inside-outside, loud-quiet, thick-thin, brave-cowardly,
easy-difficult, win-lose, open-closed, good-bad, first-last, north-south, east-west, boy-girl, brother-sister,
man-woman, mother-father, king-queen, question-answer, before-after, above-below, more-less, top-bottom, front-back,
push-pull, laugh→cry, remember-forget, same→different, wide-narrow, safe-dangerous, deep-shallow, high-low, war-peace,
alive-dead, cheap-expensive, come-go, friend-enemy, summer-winter, possible-impossible, healthy-sick, beautiful-ugly,
always-never, everything→nothing, many-few, best-worst, in-out, wrong→right
`;

const CHINESE = `
大-小，高→矮，长-短，热-冷，快-慢，白天-黑夜，黑-白，上-下，左-右，开-关，满-空，重-轻，新-旧，富-穷，高兴-难过，早-晚，
远-近，强-弱，硬-软，湿-干，干净→脏，开始-结束，买-卖，爱-恨，真-假，里面-外面，吵闹-安静，厚-薄，勇敢-胆小，容易-困难，
赢-输，好-坏，多-少，前-后，南-北，东-西，男-女，哥哥-弟弟，姐姐-妹妹，来-去，问-答，哭-笑，深-浅，宽-窄，甜→苦，美→丑，
胖-瘦，生-死，朋友-敌人，夏天-冬天，安全-危险，记住-忘记，便宜-贵，相同-不同，战争-和平，成功-失败，进-出，
春天-秋天，天-地，明亮-黑暗，聪明→笨，增加-减少，上升-下降，老→年轻
`;

const ENGLISH_PHRASINGS = [
  'What is the opposite of "{word}"?',
  'Opposite of "{word}"?',
  'The antonym of "{word}", please.',
  'Which word is opposite to "{word}"?',
  'Give me the opposite of the word "{word}".',
  'Say the opposite: "{word}".',
  '"{word}" and its opposite: what is the other word?',
  'What word stands against "{word}"?',
];

const CHINESE_PHRASINGS = [
  "“{word}”的反义词是什么？",
  "请写出“{word}”的反义词。",
  "“{word}”的反面是什么？",
  "和“{word}”意思相反的词是什么？",
  "与“{word}”相反的词是哪个？",
  "“{word}”对应的反义词是哪个？",
  "告诉我“{word}”的反义词。",
  "反义词：{word}对什么？",
];

function bothWays(
  language: Language,
  text: string,
  comma: string,
  stop: string,
  phrasings: string[],
): Drill[] {
  return text.split(comma).flatMap((entry) => {
    const [word = "", other = ""] = entry.trim().split(/[-→]/);
    const one = (from: string, to: string) =>
      ask(language, phrasings, { word: from }, to + stop, [{ names: [from], answer: to + stop }]);
    return entry.includes("→") ? one(word, other) : [...one(word, other), ...one(other, word)];
  });
}

/** The antonym of a word. */
export const opposite: DrillSet = {
  skill: "opposite",
  heldOut: "facts",
  drills: () => [
    ...bothWays("en", ENGLISH, ",", ".", ENGLISH_PHRASINGS),
    ...bothWays("zh", CHINESE, "，", "。", CHINESE_PHRASINGS),
  ],
};
