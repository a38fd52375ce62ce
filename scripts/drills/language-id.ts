import { ask, type Drill, type DrillSet } from "./drill.js";

/** Sentences that say the same in both languages. */
const SENTENCES: readonly (readonly [en: string, zh: string])[] = [
  ["The sun is a star.", "太阳是一颗恒星。"],
  ["The moon is round tonight.", "今晚的月亮很圆。"],
  ["My father drinks tea.", "爸爸喝茶。"],
  ["My mother cooks dinner.", "妈妈在做晚饭。"],
  ["The dog runs in the garden.", "小狗在花园里跑。"],
  ["The cat catches a mouse.", "猫捉住了一只老鼠。"],
  ["We eat rice and fish.", "我们吃米饭和鱼。"],
  ["The children play after school.", "孩子们放学后一起玩。"],
  ["It rains in spring.", "春天常常下雨。"],
  ["The river flows to the sea.", "河水流向大海。"],
  ["She likes red flowers.", "她喜欢红色的花。"],
  ["The teacher tells a story.", "老师讲了一个故事。"],
  ["I have two good friends.", "我有两个好朋友。"],
  ["The train leaves in the morning.", "火车早上开走。"],
  ["The doctor works in a hospital.", "医生在医院工作。"],
  ["The farmer grows wheat.", "农民种小麦。"],
  ["Bees make honey.", "蜜蜂做蜂蜜。"],
  ["Pandas eat bamboo.", "大熊猫吃竹子。"],
  ["The library is quiet.", "图书馆里很安静。"],
  ["Please open the door.", "请把门打开。"],
  ["Where is my book?", "我的书在哪里？"],
  ["Good morning, teacher.", "老师，早上好。"],
  ["Thank you for your help.", "谢谢你的帮助。"],
  ["The water is cold.", "水很冷。"],
  ["Autumn leaves are yellow.", "秋天的叶子是黄色的。"],
  ["The old man walks slowly.", "老人慢慢地走。"],
  ["He wrote a long letter.", "他写了一封长信。"],
  ["The baby is asleep.", "孩子睡着了。"],
  ["The shop is closed today.", "商店今天关门。"],
  ["A bird sings in the tree.", "一只鸟在树上唱歌。"],
  ["Beijing is a big city.", "北京是一座大城市。"],
  ["The king lived in a palace.", "国王住在宫殿里。"],
  ["Light is faster than sound.", "光比声音快。"],
  ["The clock tells the time.", "时钟告诉我们时间。"],
  ["The wind is strong today.", "今天的风很强。"],
  ["They are waiting for the bus.", "他们在等公交车。"],
  ["The apple is sweet.", "苹果很甜。"],
  ["I am very happy.", "我非常高兴。"],
  ["The fire is hot.", "火很热。"],
  ["Winter is over.", "冬天过去了。"],
  ["A spider has eight legs.", "蜘蛛有八条腿。"],
  ["He went home early.", "他很早就回家了。"],
  ["The table is made of wood.", "桌子是用木头做的。"],
  ["The little boat sails away.", "小船开走了。"],
  ["Can you help me?", "你能帮我吗？"],
  ["What time is it?", "现在几点了？"],
  ["The market is full of people.", "市场里都是人。"],
  ["The forest is dark at night.", "夜里的森林很黑。"],
  ["Plants need light.", "植物需要阳光。"],
  ["She bought a new coat.", "她买了一件新衣服。"],
  ["The horse runs fast.", "马跑得很快。"],
  ["The egg is on the plate.", "鸡蛋在盘子里。"],
  ["Today is Monday.", "今天是星期一。"],
  ["The stars are bright.", "星星很亮。"],
  ["My grandfather tells old stories.", "爷爷爱讲从前的故事。"],
  ["The soup is ready.", "汤做好了。"],
  ["Nobody was at home.", "家里没有人。"],
  ["He learns English.", "他在学英语。"],
  ["She speaks Chinese.", "她会说汉语。"],
  ["The window is open.", "窗户开着。"],
  ["We walked along the river.", "我们沿着河走。"],
  ["The tiger lives in the forest.", "老虎住在森林里。"],
  ["The sky is blue.", "天空是蓝色的。"],
  ["Ice is cold.", "冰是冷的。"],
  ["I like this song.", "我喜欢这首歌。"],
  ["Spring is here.", "春天到了。"],
];

const ENGLISH_PHRASINGS = [
  "Is this English or Chinese? {text}",
  "What language is this? {text}",
  'In what language is "{text}"?',
  'Which language is "{text}" written in?',
  "Name the language: {text}",
  "Tell me the language of this sentence: {text}",
  "Chinese or English? {text}",
  "Look at this sentence and name its language: {text}",
];

const CHINESE_PHRASINGS = [
  "这是中文还是英文？{text}",
  "这是什么语言？{text}",
  "“{text}”是哪种语言？",
  "“{text}”是用哪种语言写的？",
  "请说出语言：{text}",
  "下面这句话用的是什么语言？{text}",
  "中文还是英文？{text}",
  "看看这句话，说出它的语言：{text}",
];

function about(text: string, en: string, zh: string): Drill[] {
  const item = [
    { names: [text], answer: en },
    { names: [text], answer: zh },
  ];
  return [
    ...ask("en", ENGLISH_PHRASINGS, { text }, en, item),
    ...ask("zh", CHINESE_PHRASINGS, { text }, zh, item),
  ];
}

/** Whether a sentence is Chinese or English. */
export const languageId: DrillSet = {
  skill: "language-id",
  heldOut: "items",
  drills: () =>
    SENTENCES.flatMap(([en, zh]) => [...about(en, "English.", "英文。"), ...about(zh, "Chinese.", "中文。")]),
};
