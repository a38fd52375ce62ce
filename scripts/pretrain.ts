/**
 * npm run pretrain: trains the tokenizer and the small base model of the course on datasets/corpus, from a seed,
 * and writes them to datasets/base-model. Under 15 minutes on two cores.
 *
 *   npm run pretrain -- --out FOLDER    writes somewhere else
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Random, useBackend } from "posttrain/backend";
import { createDecoder, saveDecoder } from "posttrain/model";
import { trainSft } from "posttrain/sft";
import { encode, saveTokenizer, type Tokenizer, trainBpe } from "posttrain/tokenizer";
import { RunRecord, type TokenizedExample } from "posttrain/training";

const datasets = fileURLToPath(new URL("../datasets/", import.meta.url));
const { values: args } = parseArgs({
  options: { out: { type: "string", default: path.join(datasets, "base-model") } },
});

const seed = 20;
const window = 128;
const passes = 20;

console.log(String(await useBackend()));
const random = new Random(seed);
const documents = random.shuffle(readCorpus());
const heldOut = documents.slice(0, Math.round(documents.length / 25));
const learned = documents.slice(heldOut.length);

const tokenizer = trainBpe(learned, {
  vocabSize: 2048,
  eosToken: "<|endoftext|>",
});
const model = createDecoder(
  {
    architecture: "llama",
    vocabSize: tokenizer.vocabSize,
    contextLength: 256,
    hiddenSize: 192,
    layers: 6,
    heads: 6,
    eosTokenId: ["<|endoftext|>", "<|im_end|>"].flatMap((token) => tokenizer.tokenToId(token) ?? []),
    padTokenId: tokenizer.padToken?.id,
  },
  { seed },
);
const examples = Array.from({ length: passes }, () =>
  windows(tokenizer, random.shuffle(learned), random),
).flat();
const evaluation = windows(tokenizer, heldOut, random);
const weights = model.parameters().reduce((sum, { variable }) => sum + variable.size, 0);
console.log(
  `${(weights / 1e6).toFixed(2)} M weights, ${tokenizer.vocabSize} tokens, ${examples.length} windows of ${window}`,
);

const run = new RunRecord();
const start = performance.now();
for await (const step of trainSft({
  model,
  examples,
  evaluation,
  mask: "full",
  maxLength: window,
  batchSize: 8,
  learningRate: 2e-3,
  schedule: "cosine",
  warmup: 0.05,
  weightDecay: 0.3,
  betas: [0.9, 0.98],
  evalEvery: 250,
  seed,
})) {
  run.record(step);
  const { loss, eval_loss: evalLoss } = step.metrics;
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  if (step.step % 50 === 0 || evalLoss !== undefined) {
    const held = evalLoss === undefined ? "" : `, held out ${evalLoss.toFixed(3)}`;
    console.log(`step ${step.step}, ${seconds} s: ${loss.toFixed(3)} nats a token${held}`);
  }
}

await saveDecoder(model, args.out, { dtype: "BF16" });
saveTokenizer(tokenizer, path.join(args.out, "tokenizer.json"));
console.log(`Saved to ${args.out}`);

/** Every document of the corpus; a line of three dashes stands between two. */
function readCorpus(): string[] {
  const folder = path.join(datasets, "corpus");
  return ["en", "zh"].flatMap((language) =>
    readdirSync(path.join(folder, language))
      .sort()
      .filter((name) => name.endsWith(".txt"))
      .flatMap((name) => readFileSync(path.join(folder, language, name), "utf8").split(/^---$/m))
      .map((text) => text.trim())
      .filter((text) => text !== ""),
  );
}

/** Documents one after the other, EOS behind each, cut into windows that overlap by the token to begin with. */
function windows(from: Tokenizer, texts: readonly string[], random: Random): TokenizedExample[] {
  const stream = texts.flatMap((text) => [...encode(from, text), from.eosToken?.id ?? 0]);
  const cut: TokenizedExample[] = [];
  for (let at = random.integer(window); at + window <= stream.length; at += window - 1) {
    const tokenIds = stream.slice(at, at + window);
    cut.push({ tokenIds, mask: tokenIds.map(() => 1) });
  }
  return cut;
}
