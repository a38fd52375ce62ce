import { ask, type DrillSet } from "./drill.js";

/** Words with one plain translation in each direction. */
const WORDS = `
water=水, tea=茶, cat=猫, dog=狗, book=书, sun=太阳, moon=月亮, rain=雨, snow=雪, wind=风, fire=火, tree=树, flower=花, friend=朋友,
teacher=老师, doctor=医生, school=学校, hospital=医院, train=火车, apple=苹果, red=红色, blue=蓝色, green=绿色, yellow=黄色,
white=白色, black=黑色, tomorrow=明天, yesterday=昨天, today=今天, mother=妈妈, father=爸爸, horse=马, sheep=羊, pig=猪, fish=鱼,
bird=鸟, tiger=老虎, lion=狮子, elephant=大象, rabbit=兔子, bread=面包, milk=牛奶, egg=鸡蛋, coffee=咖啡, rice=米饭,
sugar=糖, salt=盐, sea=大海, mountain=山, river=河, forest=森林, island=岛, star=星星, sky=天空, cloud=云, earth=地球, city=城市,
country=国家, house=房子, door=门, window=窗户, table=桌子, chair=椅子, bed=床, hand=手, eye=眼睛, ear=耳朵, heart=心脏, head=头,
spring=春天, summer=夏天, autumn=秋天, winter=冬天, Monday=星期一, Friday=星期五, Sunday=星期天, big=大, small=小, hot=热, cold=冷, new=新,
happy=高兴, China=中国, Japan=日本, France=法国, Beijing=北京, Paris=巴黎, music=音乐, story=故事, time=时间, light=光, bee=蜜蜂,
car=汽车, plane=飞机, ship=船, telephone=电话, computer=电脑, library=图书馆, king=国王, child=孩子, money=钱, word=词, one=一,
ten=十, good morning=早上好, thank you=谢谢, goodbye=再见, I love you=我爱你, I am happy=我很高兴, hello=你好, honey=蜂蜜, gold=金
`;

const TO_CHINESE = {
  en: [
    'What is "{word}" in Chinese?',
    'Translate "{word}" into Chinese.',
    'The Chinese for "{word}", please.',
    "Translate into Chinese: {word}.",
    'How do we say "{word}" in Chinese?',
    'Give "{word}" in Chinese.',
  ],
  zh: [
    "{word} 用中文怎么说？",
    "英文 {word} 的中文意思是什么？",
    "请把 {word} 翻译成中文。",
    "{word} 翻成中文是什么？",
    "英语里的 {word} 是什么意思？",
    "请写出 {word} 的中文。",
  ],
};

const TO_ENGLISH = {
  en: [
    "What is {word} in English?",
    "Translate {word} into English.",
    "What does {word} mean?",
    "Translate into English: {word}.",
    "Which English word is {word}?",
    "Give {word} in English.",
  ],
  zh: [
    "“{word}”用英文怎么说？",
    "“{word}”的英文是什么？",
    "请把“{word}”翻译成英文。",
    "“{word}”翻成英语是哪个词？",
    "英语里“{word}”叫什么？",
    "请写出“{word}”的英文。",
  ],
};

/** Common words and phrases, Chinese ↔ English. */
export const translate: DrillSet = {
  skill: "translate",
  heldOut: "facts",
  drills: () =>
    WORDS.split(",").flatMap((entry) => {
      const [en = "", zh = ""] = entry.trim().split("=");
      const toChinese = [{ names: [en], answer: `${zh}。` }];
      const toEnglish = [{ names: [zh], answer: `${en}.` }];
      return [
        ...ask("en", TO_CHINESE.en, { word: en }, `${zh}。`, toChinese),
        ...ask("zh", TO_CHINESE.zh, { word: en }, `${zh}。`, toChinese),
        ...ask("en", TO_ENGLISH.en, { word: zh }, `${en}.`, toEnglish),
        ...ask("zh", TO_ENGLISH.zh, { word: zh }, `${en}.`, toEnglish),
      ];
    }),
};
