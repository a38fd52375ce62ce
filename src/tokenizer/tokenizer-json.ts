import * as z from "zod";
import { DataError } from "../errors.js";

const addedToken = z.object({
  id: z.int().nonnegative(),
  content: z.string().min(1),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(false),
  special: z.boolean().default(false),
});

const component = z.looseObject({ type: z.string() });

/** Checked without being copied: large, and a token may be called `__proto__`. */
const vocabulary = z.custom<Record<string, number>>(
  (value) => isObject(value) && Object.values(value).every((id) => Number.isSafeInteger(id) && id >= 0),
  "expected tokens with their ids",
);
const isObject = (value: unknown): value is Record<string, number> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const bpe = z.looseObject({
  type: z.literal("BPE"),
  vocab: vocabulary,
  merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
});

const wordPiece = z.looseObject({
  type: z.literal("WordPiece"),
  unk_token: z.string(),
  continuing_subword_prefix: z.string(),
  vocab: vocabulary,
});

const tokenizerJson = z.looseObject({
  version: z.string().default("1.0"),
  truncation: z.unknown().optional(),
  padding: z.unknown().optional(),
  added_tokens: z.array(addedToken).default([]),
  normalizer: component.nullish().transform((value) => value ?? null),
  pre_tokenizer: component.nullish().transform((value) => value ?? null),
  post_processor: component.nullish().transform((value) => value ?? null),
  decoder: component.nullish().transform((value) => value ?? null),
  model: z.discriminatedUnion("type", [bpe, wordPiece]),
});

/** A `tokenizer.json`, as Hugging Face's `tokenizers` writes it. */
export type TokenizerJson = z.infer<typeof tokenizerJson>;
export type AddedToken = z.infer<typeof addedToken>;
export type Component = z.infer<typeof component>;

/**
 * Checks a `tokenizer.json` object and drops its padding and truncation: batches are cut and padded by whoever
 * makes them, and a limit baked into the file (128 tokens in all-MiniLM-L6-v2) would lose text silently.
 *
 * @param source names the file in errors
 * @throws {DataError} when it is not a tokenizer of a kind we read
 */
export function parseTokenizerJson(value: unknown, source: string): TokenizerJson {
  const kind = z.object({ model: z.looseObject({ type: z.string().optional() }) }).safeParse(value);
  if (!kind.success) {
    throw new DataError(`${source} is not a tokenizer: it has no "model"`, {
      code: "tokenizer/not-a-tokenizer",
      value: source,
      hint: "Give the tokenizer.json of a Hugging Face model, the folder that holds it, or a GGUF file.",
    });
  }
  // Files from before 2020 leave the type out.
  const model = { ...kind.data.model, type: kind.data.model.type ?? guessedType(kind.data.model) };
  if (model.type !== "BPE" && model.type !== "WordPiece") throw unsupported(source, model.type);
  const parsed = tokenizerJson.safeParse({ ...(value as object), model });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join(".") ?? "";
    throw new DataError(`${source}: ${field}: ${issue?.message}`, {
      code: "tokenizer/damaged",
      value: field,
      hint: "The file is not a tokenizer.json as Hugging Face's `tokenizers` writes it; download it again.",
      cause: parsed.error,
    });
  }
  if (parsed.data.model.type === "BPE" && !isByteLevel(parsed.data)) {
    throw unsupported(source, "BPE on characters (SentencePiece)");
  }
  return { ...parsed.data, padding: null, truncation: null };
}

/** Whether tokens are byte characters, so that every token has exact bytes. */
export const isByteLevel = ({ decoder }: Pick<TokenizerJson, "decoder">): boolean =>
  componentsOf(decoder, "decoders").some(({ type }) => type === "ByteLevel");

/** A component, or the parts of a `Sequence`. */
export function componentsOf(whole: Component | null, partsName: string): Component[] {
  if (!whole) return [];
  if (whole.type !== "Sequence") return [whole];
  return z.array(component).parse(whole[partsName]);
}

const guessedType = (model: object): string => ("merges" in model ? "BPE" : "unknown");

const unsupported = (source: string, type: string): DataError =>
  new DataError(`${source}: tokenizers of the kind "${type}" are not supported`, {
    code: "tokenizer/unknown-model-type",
    value: type,
    hint: "Byte-level BPE (GPT-2, Llama 3, Qwen2, SmolLM2) and WordPiece (BERT) can be loaded.",
  });
