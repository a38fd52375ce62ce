/** A sentence in both languages. */
export type Saying = readonly [en: string, zh: string];

export const GLAD: readonly Saying[] = [
  ["I passed the exam.", "我考试通过了。"],
  ["We laughed all evening.", "我们笑了一个晚上。"],
  ["My best friend came to see me.", "我最好的朋友来看我了。"],
  ["The children were so happy.", "孩子们高兴极了。"],
  ["She gave me a wonderful present.", "她送了我一件很棒的礼物。"],
  ["Thank you, this helped me a lot.", "谢谢，这帮了我大忙。"],
  ["I slept well and feel fresh.", "我睡得很好，很有精神。"],
  ["He found his lost dog at last.", "他终于找到了丢失的小狗。"],
  ["Our neighbours always help us.", "邻居们总是帮助我们。"],
  ["The sun is shining and I feel good.", "阳光真好，我的心情也很好。"],
  ["I got the job I wanted.", "我得到了想要的工作。"],
  ["Grandfather smiled when he read my letter.", "爷爷读了我的信，笑了。"],
  ["The doctor says I am well again.", "医生说我已经好了。"],
  ["It was the best trip of my life.", "这是我最难忘的一次旅行。"],
  ["I would come back any time.", "我以后一定还要再来。"],
  ["The music was beautiful.", "音乐非常动听。"],
  ["Everybody was kind to me.", "大家都对我很好。"],
  ["What a lovely surprise!", "真是一个大惊喜！"],
  ["I am proud of my daughter.", "我为女儿感到骄傲。"],
  ["This book is a joy to read.", "这本书读起来真让人快乐。"],
  ["We won first prize.", "我们得了第一名。"],
  ["The teacher praised me today.", "老师今天表扬了我。"],
  ["My new bicycle works very well.", "我的新自行车非常好骑。"],
  ["Mother is home again, and we are happy.", "妈妈回家了，我们真高兴。"],
];

export const SAD: readonly Saying[] = [
  ["I failed the exam.", "我考试没有通过。"],
  ["He cried all night.", "他哭了一夜。"],
  ["My best friend is angry with me.", "我最好的朋友生我的气了。"],
  ["The children were afraid.", "孩子们很害怕。"],
  ["She forgot my birthday.", "她忘了我的生日。"],
  ["Nobody helped me.", "没有人帮助我。"],
  ["I slept badly and feel tired.", "我没睡好，很累。"],
  ["He lost his little dog.", "他的小狗丢了。"],
  ["Our neighbours are too loud every night.", "邻居们每天夜里都很吵。"],
  ["It is dark and cold, and I feel sad.", "天又黑又冷，我很难过。"],
  ["I did not get the job.", "我没有得到那份工作。"],
  ["Grandfather is ill and in hospital.", "爷爷病了，住进了医院。"],
  ["My tooth hurts and I cannot eat.", "我牙疼，吃不下饭。"],
  ["It was the worst trip of my life.", "这是我最糟糕的一次旅行。"],
  ["I will never buy this again.", "我再也不会买这个了。"],
  ["The music was much too loud.", "音乐太吵了。"],
  ["They shouted at me.", "他们对我大喊大叫。"],
  ["What a terrible day!", "真是糟糕的一天！"],
  ["I am ashamed of my mistake.", "我为自己的错误感到难过。"],
  ["This book is dull and far too long.", "这本书又长又没意思。"],
  ["We lost every game.", "我们每场比赛都输了。"],
  ["My watch broke on the first day.", "我的手表第一天就坏了。"],
  ["The window is broken and it is cold inside.", "窗户破了，屋里很冷。"],
  ["I missed the last bus home.", "我错过了回家的最后一班车。"],
];

/** Subjects with what can be said of them. */
interface Review {
  readonly subjects: readonly Saying[];
  readonly good: readonly Saying[];
  readonly bad: readonly Saying[];
}

export const REVIEWS: readonly Review[] = [
  {
    subjects: [
      ["The soup", "汤"],
      ["The noodle dish", "面条"],
      ["The rice", "米饭"],
      ["The fish", "鱼"],
      ["The cake", "蛋糕"],
      ["The tea", "茶"],
    ],
    good: [
      ["tastes wonderful", "味道很好"],
      ["is hot and fresh", "又热又新鲜"],
      ["is the best in the city", "是全城最好的"],
    ],
    bad: [
      ["is cold and not fresh", "又凉又不新鲜"],
      ["tastes bad", "味道很差"],
      ["is the worst in the city", "是全城最差的"],
    ],
  },
  {
    subjects: [
      ["The hotel", "这家酒店"],
      ["The room", "房间"],
      ["The library", "图书馆"],
      ["The shop", "这家商店"],
      ["The museum", "博物馆"],
    ],
    good: [
      ["is clean and quiet", "又干净又安静"],
      ["is bright and lovely", "明亮又漂亮"],
      ["makes me feel at home", "让我觉得像在家里"],
    ],
    bad: [
      ["is dirty and loud", "又脏又吵"],
      ["is dark and far too cold", "又黑又冷"],
      ["makes me want to leave", "让我只想离开"],
    ],
  },
  {
    subjects: [
      ["The driver", "司机"],
      ["The doctor", "医生"],
      ["The shopkeeper", "店主"],
      ["The teacher", "老师"],
      ["My neighbour", "邻居"],
    ],
    good: [
      ["was kind and patient", "又和气又耐心"],
      ["helped me with a smile", "笑着帮助了我"],
    ],
    bad: [
      ["was angry with everybody", "对谁都发脾气"],
      ["did not want to help me", "不愿意帮助我"],
    ],
  },
  {
    subjects: [
      ["The film", "这部电影"],
      ["The story", "这个故事"],
      ["The song", "这首歌"],
      ["The game", "这个游戏"],
    ],
    good: [
      ["is wonderful", "太精彩了"],
      ["made me happy", "让我很快乐"],
    ],
    bad: [
      ["is boring", "太无聊了"],
      ["made me angry", "让我很生气"],
    ],
  },
  {
    subjects: [
      ["The umbrella", "这把雨伞"],
      ["The lamp", "这盏台灯"],
      ["The bag", "这个包"],
      ["The clock", "这个时钟"],
      ["The coat", "这件大衣"],
    ],
    good: [
      ["is strong and beautiful", "又结实又好看"],
      ["is worth the money", "真是物有所值"],
    ],
    bad: [
      ["broke at once", "一用就坏了"],
      ["is a waste of money", "真是浪费钱"],
    ],
  },
];
