import type { Random } from "../../src/backend/random.js";
import { ask, capital, type Drill, type DrillSet, sample } from "./drill.js";
import type { Thing } from "./things.js";

/** Things of one kind. The odd word never comes from another kind of the same realm, so that there is one answer. */
interface Kind {
  readonly realm: string;
  readonly things: readonly Thing[];
}

const kind = (realm: string, list: string): Kind => ({
  realm,
  things: list.split(",").map((entry) => {
    const [en = "", zh = ""] = entry.trim().split("=");
    return [en, zh];
  }),
});

const KINDS: readonly Kind[] = [
  kind(
    "animal",
    "dog=狗,cat=猫,horse=马,cow=牛,sheep=羊,pig=猪,duck=鸭子,frog=青蛙,lion=狮子,tiger=老虎,bear=熊,rabbit=兔子,elephant=大象,snake=蛇,monkey=猴子",
  ),
  kind("food", "apple=苹果,banana=香蕉,pear=梨,grape=葡萄,lemon=柠檬"),
  kind("food", "bread=面包,rice=米饭,noodles=面条,soup=汤,cheese=奶酪,tofu=豆腐,egg=鸡蛋"),
  kind("food", "tea=茶,coffee=咖啡,milk=牛奶,juice=果汁"),
  kind("colour", "red=红色,blue=蓝色,green=绿色,yellow=黄色,white=白色,black=黑色,purple=紫色"),
  kind("time", "Monday=星期一,Tuesday=星期二,Wednesday=星期三,Thursday=星期四,Friday=星期五,Saturday=星期六"),
  kind("time", "January=一月,March=三月,April=四月,June=六月,July=七月,August=八月"),
  kind("time", "spring=春天,summer=夏天,autumn=秋天,winter=冬天"),
  kind("people", "teacher=老师,doctor=医生,farmer=农民,nurse=护士,driver=司机,cook=厨师,writer=作家"),
  kind("people", "mother=妈妈,father=爸爸,sister=姐姐,brother=弟弟,grandmother=奶奶,grandfather=爷爷"),
  kind("vehicle", "car=汽车,bus=公共汽车,train=火车,plane=飞机,boat=船,bicycle=自行车"),
  kind("home", "table=桌子,chair=椅子,bed=床,lamp=台灯,cupboard=柜子"),
  kind("home", "spoon=勺子,knife=刀,cup=杯子,bowl=碗,plate=盘子,pot=锅"),
  kind("home", "shirt=衬衫,coat=大衣,hat=帽子,shoe=鞋子,sock=袜子"),
  kind("home", "hammer=锤子,saw=锯子,scissors=剪刀,needle=针,broom=扫帚,ladder=梯子"),
  kind("body", "hand=手,foot=脚,eye=眼睛,ear=耳朵,nose=鼻子,mouth=嘴"),
  kind("nature", "rain=雨,snow=雪,wind=风,cloud=云,thunder=雷"),
  kind("nature", "river=河,lake=湖,sea=大海,mountain=高山,forest=森林,desert=沙漠"),
  kind("country", "China=中国,Japan=日本,France=法国,Germany=德国,Italy=意大利,India=印度,Brazil=巴西"),
];

const ENGLISH_PHRASINGS = [
  "Which is the odd one out: {a}, {b}, {c}?",
  "Find the odd word: {a}, {b}, {c}.",
  "{a}, {b}, {c}. Which one does not fit?",
  "Which word is different: {a}, {b} or {c}?",
  "Two of these belong together: {a}, {b}, {c}. Which one does not?",
  "Name the word that is not like the others: {a}, {b}, {c}.",
  "Which of {a}, {b} and {c} does not belong?",
  "Take away the word of another kind: {a}, {b}, {c}.",
];

const CHINESE_PHRASINGS = [
  "{a}、{b}、{c}，哪个不同类？",
  "哪一个不一样：{a}、{b}、{c}？",
  "请找出不同类的词：{a}、{b}、{c}。",
  "{a}、{b}和{c}中，哪个不属于同一类？",
  "{a}、{b}、{c}，有两个是一类，另一个是什么？",
  "下面的词哪个跟别的不一样：{a}、{b}、{c}？",
  "去掉另一类的词：{a}、{b}、{c}。",
  "{a}、{b}、{c}里，谁不合群？",
];

function triple(random: Random): Drill[] {
  const [usual] = sample(random, KINDS, 1);
  const [other] = sample(
    random,
    KINDS.filter(({ realm }) => realm !== usual?.realm),
    1,
  );
  const [odd] = sample(random, other?.things ?? [], 1);
  const [first, second] = sample(random, usual?.things ?? [], 2);
  if (odd === undefined || first === undefined || second === undefined) return [];

  const [a, b, c] = random.shuffle([odd, first, second]);
  const answer = { en: `${capital(odd[0])}.`, zh: `${odd[1]}。` };
  // Held-out triples are respected from two words in common.
  const item = [
    [odd, first],
    [odd, second],
    [first, second],
  ].flatMap((two) => [
    { names: two.map((thing) => thing[0]), answer: answer.en },
    { names: two.map((thing) => thing[1]), answer: answer.zh },
  ]);
  return [
    ...ask("en", ENGLISH_PHRASINGS, { a: a?.[0] ?? "", b: b?.[0] ?? "", c: c?.[0] ?? "" }, answer.en, item),
    ...ask("zh", CHINESE_PHRASINGS, { a: a?.[1] ?? "", b: b?.[1] ?? "", c: c?.[1] ?? "" }, answer.zh, item),
  ];
}

/** The word of another kind among three. */
export const oddOneOut: DrillSet = {
  skill: "odd-one-out",
  heldOut: "items",
  drills: (random) => Array.from({ length: 260 }, () => triple(random)).flat(),
};
