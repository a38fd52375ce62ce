import {
  BPE,
  ByteLevelPreTokenizer,
  Tokenizer as Engine,
  SequencePreTokenizer,
} from "@huggingface/tokenizers";
import { toByteCharacters } from "./byte-level.js";
import { portable } from "./portable.js";
import type { TokenizerJson } from "./tokenizer-json.js";

export type { Engine };

/**
 * The library's tokenizer, with a better memory: most words of a text have been seen before, and its own
 * bookkeeping costs four times what it saves.
 */
export function createEngine(json: TokenizerJson): Engine {
  const engine = new Engine(portable(json), {});
  const { model, pre_tokenizer } = engine;
  if (model instanceof BPE) model.bpe = remembering(model.bpe.bind(model));
  const steps = pre_tokenizer instanceof SequencePreTokenizer ? pre_tokenizer.tokenizers : [pre_tokenizer];
  for (const step of steps) {
    const isPerWord = step instanceof ByteLevelPreTokenizer && !step.use_regex && !step.add_prefix_space;
    if (isPerWord) step.pre_tokenize_text = remembering((word) => [toByteCharacters(word)]);
  }
  return engine;
}

const mostWords = 100_000;
const longestWord = 100;

/** Keeps the answers for short words; forgets all of them when there are too many. */
function remembering<T>(answer: (word: string) => T): (word: string) => T {
  const known = new Map<string, T>();
  return (word) => {
    const remembered = known.get(word);
    if (remembered !== undefined) return remembered;
    const fresh = answer(word);
    if (known.size >= mostWords) known.clear();
    if (word.length <= longestWord) known.set(word, fresh);
    return fresh;
  };
}
