import * as z from "zod";
import { DataError } from "../errors.js";
import { openGguf } from "../files/index.js";
import { gpt2Words } from "./byte-level.js";
import { isolate } from "./portable.js";
import type { TokenizerRoles } from "./tokenizer.js";
import { type AddedToken, type Component, parseTokenizerJson, type TokenizerJson } from "./tokenizer-json.js";

/** How each family cuts text into words before the merges, by the name that llama.cpp gives it. */
const wordSplits: ReadonlyMap<string, readonly string[]> = new Map([
  ["default", [gpt2Words]],
  ["gpt-2", [gpt2Words]],
  ["smollm", ["\\p{N}", gpt2Words]], // digits one by one
  ["qwen2", [modernWords("\\p{N}")]],
  ["llama-bpe", [modernWords("\\p{N}{1,3}")]],
]);

/** The word pattern of Llama 3 and Qwen2, which differ in how digits are grouped. */
function modernWords(digits: string): string {
  return `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
}

/** Token kinds of ggml: 3 is a control token, 4 one that the user added. */
const controlToken = 3;
const userToken = 4;

const tables = z.object({
  "tokenizer.ggml.model": z.string(),
  "tokenizer.ggml.pre": z.string().default("default"),
  "tokenizer.ggml.tokens": z.array(z.string()),
  "tokenizer.ggml.token_type": z.array(z.int()).default([]),
  "tokenizer.ggml.merges": z.array(z.string()).default([]),
  "tokenizer.ggml.bos_token_id": z.int().optional(),
  "tokenizer.ggml.eos_token_id": z.int().optional(),
  "tokenizer.ggml.padding_token_id": z.int().optional(),
  "tokenizer.ggml.unknown_token_id": z.int().optional(),
  "tokenizer.chat_template": z.string().optional(),
});

/**
 * The `tokenizer.json` that a GGUF's own tables stand for, and the roles of its special tokens.
 *
 * @throws {DataError} when the file has no byte-level BPE tokenizer or splits words in a way we do not know
 */
export function readGgufTokenizer(path: string): { json: TokenizerJson; roles: TokenizerRoles } {
  const file = openGguf(path);
  file.close();
  const parsed = tables.safeParse(Object.fromEntries(file.metadata));
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join(".");
    throw new DataError(
      `${path} has no tokenizer we can read: ${field}: ${parsed.error.issues[0]?.message}`,
      {
        code: "tokenizer/not-a-tokenizer",
        value: field,
        hint: "Use a GGUF that was converted together with its tokenizer.",
      },
    );
  }
  const gguf = parsed.data;
  const tokens = gguf["tokenizer.ggml.tokens"];
  const splits = wordSplits.get(gguf["tokenizer.ggml.pre"]);
  if (gguf["tokenizer.ggml.model"] !== "gpt2") throw unknownKind(path, "model", gguf["tokenizer.ggml.model"]);
  if (!splits) throw unknownKind(path, "pre", gguf["tokenizer.ggml.pre"]);

  const tokenAt = (id: number | undefined) => (id === undefined ? undefined : tokens[id]);
  const json = {
    version: "1.0",
    added_tokens: addedTokens(tokens, gguf["tokenizer.ggml.token_type"]),
    normalizer: gguf["tokenizer.ggml.pre"] === "qwen2" ? { type: "NFC" } : null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [...splits.map(isolate), byteLevel(false)] },
    post_processor: null,
    decoder: byteLevel(true),
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null, // bytes that have no token are left out, as by transformers
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: gguf["tokenizer.ggml.pre"] === "llama-bpe",
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: gguf["tokenizer.ggml.merges"].map(splitMerge),
    },
  };
  const roles = {
    bosToken: tokenAt(gguf["tokenizer.ggml.bos_token_id"]),
    eosToken: tokenAt(gguf["tokenizer.ggml.eos_token_id"]),
    padToken: tokenAt(gguf["tokenizer.ggml.padding_token_id"]),
    unkToken: tokenAt(gguf["tokenizer.ggml.unknown_token_id"]),
    chatTemplate: gguf["tokenizer.chat_template"],
  };
  return { json: parseTokenizerJson(json, path), roles };
}

const byteLevel = (addPrefixSpace: boolean): Component => ({
  type: "ByteLevel",
  add_prefix_space: addPrefixSpace,
  trim_offsets: true,
  use_regex: false,
});

/** `"Ġ t"` → `["Ġ", "t"]`. */
function splitMerge(merge: string): [string, string] {
  const space = merge.indexOf(" ", 1);
  return [merge.slice(0, space), merge.slice(space + 1)];
}

function addedTokens(tokens: readonly string[], types: readonly number[]): AddedToken[] {
  return tokens.flatMap((content, id) => {
    const type = types[id];
    if (type !== controlToken && type !== userToken) return [];
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content, ...flags, special: type === controlToken }];
  });
}

const unknownKind = (path: string, key: string, value: string): DataError =>
  new DataError(`${path}: the tokenizer's ${key} "${value}" is not supported`, {
    code: "tokenizer/unknown-model-type",
    value,
    hint: `Byte-level BPE ("gpt2") with the word split of ${[...wordSplits.keys()].join(", ")} can be read.`,
  });
