import { fileURLToPath } from "node:url";
import { createDecoder } from "posttrain/model";
import { loadTokenizer, Tokenizer } from "posttrain/tokenizer";
import type { TokenizedExample } from "posttrain/training";

export const VOCAB = 23;

/** A Llama small enough to train in milliseconds. */
export const tinyModel = (seed = 1) =>
  createDecoder(
    {
      architecture: "llama",
      vocabSize: VOCAB,
      contextLength: 64,
      hiddenSize: 16,
      layers: 2,
      heads: 4,
      keyValueHeads: 2,
      headSize: 4,
    },
    { seed },
  );

/** Counting tasks: a prompt of three tokens, an answer that goes on counting, EOS (token 1). */
export const countingExamples = (count: number): TokenizedExample[] =>
  Array.from({ length: count }, (_, i) => {
    const first = 2 + (i % 9);
    const answer = Array.from({ length: 2 + (i % 5) }, (_, j) => first + 3 + j);
    const tokenIds = [first, first + 1, first + 2, ...answer, 1];
    return { tokenIds, mask: tokenIds.map((_, t) => (t < 3 ? 0 : 1)) };
  });

/** Every weight of a model as plain numbers. */
export const weightsOf = (model: ReturnType<typeof tinyModel>): Record<string, number[]> =>
  Object.fromEntries(model.parameters().map(({ name, variable }) => [name, [...variable.dataSync()]]));

/** The small tokenizer of the golden file, with a chat template or without. */
export async function smallTokenizer(chatTemplate?: string): Promise<Tokenizer> {
  const { json } = await loadTokenizer(
    fileURLToPath(new URL("../golden/sft-tokenizer.json", import.meta.url)),
  );
  return new Tokenizer(json, { eosToken: "<|im_end|>", padToken: "<|pad|>", chatTemplate });
}
