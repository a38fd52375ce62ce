import { DataError, OptionError } from "../errors.js";
import { fromByteCharacters } from "./byte-level.js";
import { createEngine, type Engine } from "./engine.js";
import { type AddedToken, isByteLevel, type TokenizerJson } from "./tokenizer-json.js";

export interface EncodeOptions {
  /**
   * Add what the tokenizer's own template adds around a text, such as `[CLS]` and `[SEP]`.
   * @default false
   */
  addSpecialTokens?: boolean;
  /**
   * Read `<|im_end|>` and its like in the text as the special token, as transformers does.
   * With `false` they are ordinary characters: for text from people who must not end a turn.
   * @default true
   */
  allowSpecial?: boolean;
}

export interface DecodeOptions {
  /** Leave special tokens out of the text. @default false */
  skipSpecialTokens?: boolean;
}

/** A special token: its text and its id. */
export interface SpecialToken {
  readonly content: string;
  readonly id: number;
}

/** Which tokens play a part in training and generation, by their text, and how chats are written. */
export interface TokenizerRoles {
  bosToken?: string;
  eosToken?: string;
  padToken?: string;
  unkToken?: string;
  /** A Jinja template as Hugging Face models carry it. */
  chatTemplate?: string;
}

/** Text ↔ token ids. Made by `loadTokenizer` and `trainBpe`; immutable. */
export class Tokenizer {
  /** Ids run from 0 to `vocabSize − 1`, added tokens included. */
  readonly vocabSize: number;
  /** Tokens that stand outside the text's own vocabulary, in the order of their ids. */
  readonly addedTokens: readonly AddedToken[];
  readonly bosToken: SpecialToken | undefined;
  readonly eosToken: SpecialToken | undefined;
  /** Never the same token as `eosToken`: padding is not trained on, the end of a text is. */
  readonly padToken: SpecialToken | undefined;
  readonly unkToken: SpecialToken | undefined;
  readonly chatTemplate: string | undefined;
  /** Whether every token has exact bytes (byte-level BPE), or words are normalised (WordPiece). */
  readonly isByteLevel: boolean;
  /** What `saveTokenizer` writes. */
  readonly json: TokenizerJson;
  readonly #engine: Engine;
  #plainEngine: Engine | undefined;
  readonly #specialIds: ReadonlySet<number>;
  readonly #bytes: (Uint8Array | undefined)[] = [];

  constructor(json: TokenizerJson, roles: TokenizerRoles = {}) {
    this.json = json;
    this.#engine = createEngine(json);
    this.addedTokens = [...json.added_tokens].sort((a, b) => a.id - b.id);
    this.vocabSize = largestId(json) + 1;
    this.isByteLevel = isByteLevel(json);
    this.bosToken = this.#special("bosToken", roles.bosToken);
    this.eosToken = this.#special("eosToken", roles.eosToken);
    this.unkToken = this.#special("unkToken", roles.unkToken);
    this.padToken = this.#padding(roles.padToken);
    this.chatTemplate = roles.chatTemplate;
    this.#specialIds = new Set(this.addedTokens.filter(({ special }) => special).map(({ id }) => id));
  }

  /** @see {@link encode} */
  encode(text: string, { addSpecialTokens = false, allowSpecial = true }: EncodeOptions = {}): number[] {
    if (typeof text !== "string") {
      throw new OptionError(`encode takes a string, got ${typeof text}`, {
        code: "tokenizer/not-a-string",
        value: text,
        hint: "Encode one text at a time: texts.map((text) => encode(tokenizer, text)).",
      });
    }
    const engine = allowSpecial ? this.#engine : this.#withoutSpecialTokens();
    return engine.encode(text, { add_special_tokens: addSpecialTokens }).ids;
  }

  /** @see {@link decode} */
  decode(ids: readonly number[] | Int32Array, { skipSpecialTokens = false }: DecodeOptions = {}): string {
    const kept = Array.from(ids).filter((id) => !(skipSpecialTokens && this.isSpecial(id)));
    if (this.isByteLevel) return utf8.decode(Buffer.concat(kept.map((id) => this.tokenBytes(id))));
    for (const id of kept) this.#requireToken(id);
    if (kept.length === 0) return "";
    return this.#engine.decode(kept, { clean_up_tokenization_spaces: false });
  }

  /** The id of a token as the vocabulary writes it (`"Ġthe"`, `"##ing"`, `"<|im_end|>"`). */
  tokenToId(token: string): number | undefined {
    return this.#engine.token_to_id(token);
  }

  /** A token as the vocabulary writes it; undefined when there is no such id. */
  idToToken(id: number): string | undefined {
    return this.#engine.id_to_token(id);
  }

  isSpecial(id: number): boolean {
    return this.#specialIds.has(id);
  }

  /**
   * The bytes that a token adds to the text: part of a character, perhaps, when the text is Chinese.
   *
   * @throws {OptionError} when there is no such id
   */
  tokenBytes(id: number): Uint8Array {
    const known = this.#bytes[id];
    if (known) return known;
    const token = this.#requireToken(id);
    const isAdded = this.addedTokens.some((added) => added.id === id);
    const bytes = this.isByteLevel && !isAdded ? fromByteCharacters(token) : new TextEncoder().encode(token);
    this.#bytes[id] = bytes;
    return bytes;
  }

  /** The text as the tokenizer sees it, before it is cut into words (Unicode NFC for Qwen2). */
  normalize(text: string): string {
    return this.#engine.normalizer?.normalize(text) ?? text;
  }

  #requireToken(id: number): string {
    const token = this.idToToken(id);
    if (token !== undefined) return token;
    throw new OptionError(`token id ${id} is not in the vocabulary`, {
      code: "tokenizer/unknown-id",
      value: id,
      hint: `Ids are whole numbers from 0 to ${this.vocabSize - 1}.`,
    });
  }

  #withoutSpecialTokens(): Engine {
    const added_tokens = this.json.added_tokens.filter(({ special }) => !special);
    this.#plainEngine ??= createEngine({ ...this.json, added_tokens });
    return this.#plainEngine;
  }

  #special(role: string, content: string | undefined): SpecialToken | undefined {
    if (content === undefined) return undefined;
    const id = this.tokenToId(content);
    if (id !== undefined) return { content, id };
    throw new DataError(`the ${role} ${JSON.stringify(content)} is not in the vocabulary`, {
      code: "tokenizer/unknown-special-token",
      value: content,
      hint: `Special tokens here: ${this.addedTokens.map((token) => token.content).join(" ") || "none"}.`,
    });
  }

  /** The named padding token, unless it ends texts too; then any special token that has no other part to play. */
  #padding(named: string | undefined): SpecialToken | undefined {
    const padding = this.#special("padToken", named);
    if (padding && padding.id !== this.eosToken?.id) return padding;
    const taken = [this.bosToken?.id, this.eosToken?.id];
    const free = this.addedTokens.find(({ special, id }) => special && !taken.includes(id));
    return free && { content: free.content, id: free.id };
  }
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

function largestId({ model, added_tokens }: TokenizerJson): number {
  let largest = -1;
  for (const id of Object.values(model.vocab)) largest = Math.max(largest, id);
  for (const { id } of added_tokens) largest = Math.max(largest, id);
  return largest;
}

/**
 * Token ids of a text.
 *
 * @returns as many ids as the text needs: nothing is cut or padded
 */
export const encode = (tokenizer: Tokenizer, text: string, options?: EncodeOptions): number[] =>
  tokenizer.encode(text, options);

/**
 * The text of token ids. Bytes that are not complete UTF-8 become U+FFFD; `StreamDecoder` waits for the rest instead.
 *
 * @throws {OptionError} when an id is not in the vocabulary
 */
export const decode = (
  tokenizer: Tokenizer,
  ids: readonly number[] | Int32Array,
  options?: DecodeOptions,
): string => tokenizer.decode(ids, options);
