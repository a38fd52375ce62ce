import { type ColumnTable, from, table } from "arquero";
import { Random } from "posttrain/backend";
import {
  attentionMap,
  comparisonBars,
  type Figure,
  gradientBars,
  histogram,
  lineChart,
  lossCurve,
  maskStrip,
  matrixMap,
  nextTokenBars,
  packingMap,
  scheduleCurve,
  tokenScatter,
  tokenStrip,
  trainingDashboard,
} from "posttrain/figures";
import { rankExamples } from "./rank-examples.js";

const tokens = ["请", "介绍", "一下", "爱因", "斯坦", "的", "相对", "论", "。"];
const chat = [
  ...[
    "<|user|>",
    "\n",
    "What",
    " is",
    " the",
    " capital",
    " of",
    " France",
    "?",
    "<|end|>",
    "\n",
    "<|assistant|>",
    "\n",
  ],
  ...[
    "The",
    " capital",
    " of",
    " France",
    " is",
    " Paris",
    ".",
    " 法国",
    "的",
    "首都",
    "是",
    "巴黎",
    "。",
    "<|end|>",
  ],
];

export function run(steps: number, name?: string): ColumnTable {
  const random = new Random(name?.length ?? 3);
  const rows = Array.from({ length: steps }, (_, step) => {
    const loss = 1.2 + 3 * Math.exp(-step / 40) + 0.25 * random.normal() * Math.exp(-step / 80);
    return {
      ...{
        step: step + 1,
        loss,
        learning_rate: step < 10 ? step * 3e-5 : 1.5e-4 * (1 + Math.cos((Math.PI * step) / steps)),
      },
      ...{
        grad_norm: 0.6 + Math.abs(random.normal()) * 0.3,
        mean_token_accuracy: 0.75 - 0.5 * Math.exp(-step / 50),
      },
      ...{
        eval_loss: step % 20 === 19 ? loss + 0.15 : null,
        eval_mean_token_accuracy: null,
        ...(name ? { run: name } : {}),
      },
    };
  });
  return from(rows);
}

export function attention(heads: number): ColumnTable {
  const random = new Random(1);
  const rows = Array.from({ length: heads }, (_, head) =>
    tokens.flatMap((query, q) => {
      const scores = tokens.slice(0, q + 1).map(() => Math.exp(2 * random.normal()));
      const sum = scores.reduce((a, b) => a + b, 0);
      return scores.map((score, k) => {
        const pair = { query_position: q, key_position: k, query, key: tokens[k], weight: score / sum };
        return heads > 1 ? { ...pair, head } : pair;
      });
    }),
  );
  return from(rows.flat());
}

const nextTokens = table({
  token: ["和", "的", "，", " is", "\n", "是", "相对论", "狭义", " the", "<b>", "理论", "？", "x"],
  probability: [0.31, 0.22, 0.1, 0.08, 0.05, 0.04, 0.03, 0.02, 0.012, 0.0093, 0.0042, 0.0008, 0.0001],
});

/** One of each figure, on data like those of the notebooks. */
export const examples: Record<string, Figure> = {
  ...rankExamples,
  "loss-curve": lossCurve(run(200), { smoothing: 0.9 }).title(
    "The loss halves within fifty steps, and held-out text follows the training text until the end: nothing is memorised yet (验证损失随训练损失一起下降)",
  ),
  "loss-curve-runs": lossCurve(
    run(120, "learning rate 3e-4").concat(run(120, "3e-3"), run(120, "全参数微调 full fine-tuning")),
  ).title("Three runs"),
  "training-dashboard": trainingDashboard(run(200)).title(
    "A healthy run: loss down, accuracy up, gradients calm",
  ),
  "schedule-curve": scheduleCurve(
    from(
      ["cosine", "linear"].flatMap((schedule) =>
        Array.from({ length: 101 }, (_, step) => ({
          schedule,
          step,
          learning_rate:
            step < 10
              ? 3e-5 * step
              : schedule === "linear"
                ? 3e-4 * (1 - (step - 10) / 90)
                : 1.5e-4 * (1 + Math.cos((Math.PI * (step - 10)) / 90)),
        })),
      ),
    ),
  ).title("Warm-up, then down to zero"),
  "attention-map": attentionMap(attention(1)).title("相对 looks back at 爱因斯坦"),
  "attention-heads": attentionMap(attention(4)).title("Four heads, four ways of looking back"),
  "next-token-bars": nextTokenBars(nextTokens).title(
    "After 请介绍一下爱因斯坦的相对论 the base model goes on with 和",
  ),
  "next-token-models": nextTokenBars(
    nextTokens.derive({ model: () => "base" }).concat(
      nextTokens.derive({
        model: () => "SFT",
        probability: (d: { probability: number }) => d.probability ** 0.5 / 2.5,
      }),
    ),
    { top: 8 },
  ).title("After SFT the answer begins at once"),
  "comparison-bars": comparisonBars(
    table({
      ...{ metric: ["eval_loss", "eval_loss", "exact match", "exact match", "word overlap", "word overlap"] },
      ...{
        model: ["base", "SFT", "base", "SFT", "base", "SFT"],
        value: [4.213, 1.871, 0, 0.312, 0.081, 0.54],
      },
      ...{
        unit: ["nats per token", "nats per token", "share", "share", "F1", "F1"],
        count: [120, 120, 120, 120, 120, 120],
      },
    }),
  ).title("SFT answers a third of the held-out questions exactly; the base model none"),
  "mask-strip": maskStrip(table({ token: chat, trained: chat.map((_, i) => i >= 13) })).title(
    "Only the answer and its end are trained on",
  ),
  "token-strip": tokenStrip(
    table({ token: chat, value: chat.map((_, i) => (i < 1 ? null : Math.abs(Math.sin(i)) * 6)) }),
    { valueTitle: "loss (nats)" },
  ).title("The model is surprised by names"),
  "token-strip-signed": tokenStrip(table({ token: tokens, value: tokens.map((_, i) => Math.sin(i)) }), {
    valueTitle: "change of log-probability (nats)",
  }),
  "token-scatter": tokenScatter(
    table({
      token: ["一", "二", "三", " one", " two", " three", "春", "夏", "秋", "冬"],
      x: [-2, -1.8, -1.9, -1.2, -1, -1.1, 1.4, 1.8, 2, 1.6],
      y: [1, 1.4, 0.6, -0.5, -1, -1.4, 0.2, 0.9, -0.4, -1],
      group: [..."nnneeessss"].map((g) => ({ n: "Chinese numbers", e: "English numbers" })[g] ?? "seasons"),
    }),
  ).title("Words of a kind lie together"),
  "gradient-bars": gradientBars(
    from(
      ["whole sequence", "answer only"].flatMap((loss) =>
        chat.map((name, position) => ({
          loss,
          name,
          position,
          gradient: loss === "answer only" && position < 12 ? 0 : 0.2 + Math.abs(Math.cos(position)),
        })),
      ),
    ),
  ).title("With the mask the prompt pulls no more"),
  "matrix-map": matrixMap(
    from(
      Array.from({ length: 48 }, (_, i) => ({ row: Math.floor(i / 8), column: i % 8, value: Math.sin(i) })),
    ),
    { rowTitle: "position", columnTitle: "dimension", valueTitle: "embedding" },
  ).title("Positions differ in every dimension"),
  "causal-mask": matrixMap(
    from(
      Array.from({ length: 36 }, (_, i) => ({
        row: Math.floor(i / 6),
        column: i % 6,
        value: i % 6 <= Math.floor(i / 6) ? 1 : 0,
      })),
    ),
    { rowTitle: "query position", columnTitle: "key position", valueTitle: "may look" },
  ),
  "packing-map": packingMap(
    from([
      ...[
        [0, 0, 40, 0],
        [1, 0, 25, 1],
        [2, 0, 61, 2],
        [3, 0, 18, 3],
        [4, 0, 30, 4],
      ].map(([row, start, end, example]) => ({ method: "padded", row, start, end, example })),
      ...[
        [0, 0, 61, 2],
        [0, 61, 79, 3],
        [1, 0, 40, 0],
        [1, 40, 65, 1],
        [2, 0, 30, 4],
      ].map(([row, start, end, example]) => ({ method: "packed", row, start, end, example })),
    ]),
  ).title("Five examples fit into three rows instead of five"),
  histogram: histogram(
    from(
      Array.from({ length: 600 }, (_, i) => ({
        split: i % 3 ? "train" : "held out",
        length: 20 + ((i * 7919) % 97) + ((i * 31) % 53),
      })),
    ),
    { column: "length", title: "length (tokens)", by: "split" },
  ).title("Held-out examples are as long as those trained on"),
  "line-chart": lineChart(
    from(
      [0.5, 1, 2].flatMap((temperature) =>
        [-3, -2, -1, 0, 1, 2, 3].map((logit) => ({
          temperature: `T = ${temperature}`,
          logit,
          probability: 1 / (1 + Math.exp(-logit / temperature)),
        })),
      ),
    ),
    {
      x: "logit",
      y: "probability",
      by: "temperature",
      xTitle: "difference of logits (nats)",
      yTitle: "probability",
    },
  ),
};
