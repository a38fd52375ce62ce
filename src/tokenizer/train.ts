import { DataError, OptionError } from "../errors.js";
import { byteAlphabet, gpt2Words, toByteCharacters } from "./byte-level.js";
import { learnMerges } from "./merges.js";
import { chatMl } from "./template.js";
import { Tokenizer, type TokenizerRoles } from "./tokenizer.js";
import { parseTokenizerJson } from "./tokenizer-json.js";

export interface TrainBpeOptions {
  /** Tokens to end with: the special ones, the 256 bytes, and one for each merge. Fewer when the texts give no more pairs. */
  vocabSize: number;
  /**
   * They get the first ids, in this order.
   * @default ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
   */
  specialTokens?: readonly string[];
  /** Pairs that meet less often than this are not merged. @default 0 */
  minFrequency?: number;
  /** @default none */
  bosToken?: string;
  /** @default "<|im_end|>", else "<|endoftext|>", whichever is special */
  eosToken?: string;
  /** @default "<|pad|>" if it is special, else any special token that is neither of the above */
  padToken?: string;
  /** @default `chatMl` if its two tokens are special, else none */
  chatTemplate?: string;
}

/**
 * Trains a byte-level BPE tokenizer. Every text can be encoded, since all 256 bytes are tokens.
 * The vocabulary and the merges equal those of Hugging Face's `BpeTrainer` with a `ByteLevel` pre-tokenizer
 * (`add_prefix_space=False`), for the same texts and options.
 *
 * @param texts read once
 * @throws {OptionError} when the vocabulary is too small for the bytes and the special tokens
 * @throws {DataError} when there is no text
 * @source Radford et al. 2019 (GPT-2), section 2.2
 */
export function trainBpe(texts: Iterable<string>, options: TrainBpeOptions): Tokenizer {
  const { vocabSize, specialTokens = defaultSpecialTokens, minFrequency = 0 } = options;
  requireSpecialTokens(specialTokens);
  requireSizes(vocabSize, minFrequency, specialTokens.length);

  const vocabulary = new Map<string, number>();
  for (const token of [...specialTokens, ...byteAlphabet]) {
    if (!vocabulary.has(token)) vocabulary.set(token, vocabulary.size);
  }
  const merges = learnMerges(countWords(texts), vocabulary, { vocabSize, minFrequency });
  const json = parseTokenizerJson(
    {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: specialTokens.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries(vocabulary),
        merges,
      },
    },
    "the trained tokenizer",
  );
  return new Tokenizer(json, rolesOf(specialTokens, options));
}

const defaultSpecialTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"];

function rolesOf(specialTokens: readonly string[], options: TrainBpeOptions): TokenizerRoles {
  const ifSpecial = (...tokens: string[]) => tokens.find((token) => specialTokens.includes(token));
  const canChat = specialTokens.includes("<|im_start|>") && specialTokens.includes("<|im_end|>");
  return {
    bosToken: options.bosToken,
    eosToken: options.eosToken ?? ifSpecial("<|im_end|>", "<|endoftext|>"),
    padToken: options.padToken ?? ifSpecial("<|pad|>"),
    chatTemplate: options.chatTemplate ?? (canChat ? chatMl : undefined),
  };
}

/** How often each word occurs, written in byte characters. */
function countWords(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  const words = new RegExp(gpt2Words, "gu");
  // A string is an iterable of its characters: surely not what was meant.
  if (typeof texts === "string") throw emptyCorpus("one string instead of several texts");
  for (const text of texts) {
    for (const [word] of text.matchAll(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  if (counts.size === 0) throw emptyCorpus("no text");
  return new Map([...counts].map(([word, count]) => [toByteCharacters(word), count]));
}

const emptyCorpus = (found: string): DataError =>
  new DataError(`a tokenizer cannot be trained on ${found}`, {
    code: "tokenizer/empty-corpus",
    value: found,
    hint: "Give trainBpe an array (or any iterable) of texts that are not all empty.",
  });

function requireSpecialTokens(tokens: readonly string[]): void {
  const wrong = tokens.findIndex((token, i) => token === "" || tokens.indexOf(token) !== i);
  if (wrong < 0) return;
  throw new OptionError(`special token ${wrong} is ${JSON.stringify(tokens[wrong])}`, {
    code: "tokenizer/bad-special-token",
    value: tokens[wrong],
    hint: "Special tokens are not empty, and all different.",
  });
}

function requireSizes(vocabSize: number, minFrequency: number, specialTokens: number): void {
  const least = byteAlphabet.length + specialTokens;
  if (!Number.isInteger(vocabSize) || vocabSize < least) {
    throw new OptionError(`a vocabulary of ${vocabSize} tokens is too small`, {
      code: "tokenizer/vocab-too-small",
      value: vocabSize,
      hint: `The 256 bytes and ${specialTokens} special tokens alone are ${least}; each merge adds one.`,
    });
  }
  if (Number.isInteger(minFrequency) && minFrequency >= 0) return;
  throw new OptionError(`minFrequency is ${minFrequency}`, {
    code: "tokenizer/bad-min-frequency",
    value: minFrequency,
    hint: "Give a whole number: how often a pair must meet to be merged.",
  });
}
