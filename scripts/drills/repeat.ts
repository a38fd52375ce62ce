import { ask, type DrillSet } from "./drill.js";

const ENGLISH = `
water, fire, tree, flower, book, chair, table, door, house, school, train, boat, road, forest, lake, sea, sun, moon,
star, cloud, rain, snow, wind, spring, summer, autumn, winter, morning, evening, night, bread, rice, milk, egg, honey,
sugar, salt, dog, cat, horse, cow, sheep, bird, fish, lion, tiger, mother, father, friend, teacher, doctor, farmer,
red, green, yellow, happy, quiet, music, story, picture, letter, hammer, needle, clock, key, lamp, paper, gold,
light, heart, hand, city, village, market, garden, old house, cold wind, warm soup, green leaf, white snow,
little bird, big tree, red flower, long road, good friend, new book, hot tea, full moon, open door, clear water,
deep sea, brown bear, black cat, happy child, early morning, quiet night, blue boat, small fish, fresh bread, sweet apple,
the sun rises, birds can sing, rain falls softly, we are friends, the door is open, time flies, snow is white
`;

const CHINESE = `
水，火，树，花，书，椅子，桌子，门，房子，学校，火车，小船，道路，森林，湖水，大海，太阳，月亮，星星，白云，
下雨，下雪，春天，夏天，秋天，冬天，早上，晚上，面包，米饭，牛奶，鸡蛋，蜂蜜，白糖，小狗，小猫，白马，母牛，
绵羊，小鸟，小鱼，狮子，老虎，妈妈，爸爸，朋友，老师，医生，农民，红色，绿色，黄色，高兴，安静，音乐，故事，
图画，信，锤子，针，时钟，钥匙，台灯，白纸，金子，阳光，城市，村子，市场，冷风，热汤，绿叶，白雪，红花，长路，
好朋友，新书，满月，清水，深海，黑猫，黑夜，蓝天，大雪，早饭，晚饭，花开了，下雪了，太阳出来了，月亮很圆，
小鸟飞走了，我们回家，太阳下山，水很冷，天黑了，雪停了，月亮出来了，孩子们很高兴，路很长，妈妈回来了
`;

const ENGLISH_PHRASINGS = [
  "Repeat: {word}.",
  'Repeat exactly: "{word}".',
  "Say this again: {word}.",
  'Write "{word}" and nothing else.',
  "Please say after me: {word}.",
  "Copy this: {word}.",
  'Give back exactly what I say: "{word}".',
  'I say "{word}". What did I say?',
  'Answer only with "{word}".',
];

const CHINESE_PHRASINGS = [
  "请重复：{word}。",
  "请重复“{word}”。",
  "跟我说：{word}。",
  "只写“{word}”，别的都不要写。",
  "把“{word}”再说一遍。",
  "照抄：{word}。",
  "我说的是“{word}”，请原样说出来。",
  "请只回答“{word}”。",
  "复述下面的话：{word}。",
];

const listed = (text: string, comma: string) => text.split(comma).map((word) => word.trim());

/** Copy a word or two. */
export const repeat: DrillSet = {
  skill: "repeat",
  heldOut: "items",
  drills: () => [
    ...listed(ENGLISH, ",").flatMap((word) =>
      ask("en", ENGLISH_PHRASINGS, { word }, `${word}.`, [{ names: [word], answer: `${word}.` }]),
    ),
    ...listed(CHINESE, "，").flatMap((word) =>
      ask("zh", CHINESE_PHRASINGS, { word }, `${word}。`, [{ names: [word], answer: `${word}。` }]),
    ),
  ],
};
