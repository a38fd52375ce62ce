import { OptionError } from "../errors.js";
import type { DecodeOptions, Tokenizer } from "./tokenizer.js";

/**
 * Text of tokens as they come, one call a token. A character whose bytes are spread over several tokens
 * (most Chinese characters of a small vocabulary) appears when its last byte does.
 *
 * ```ts
 * const stream = new StreamDecoder(tokenizer);
 * for await (const id of tokens) process.stdout.write(stream.push(id));
 * process.stdout.write(stream.end());
 * ```
 */
export class StreamDecoder {
  readonly #tokenizer: Tokenizer;
  readonly #skipSpecialTokens: boolean;
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

  /** @throws {OptionError} for a WordPiece tokenizer, whose text cannot be written token by token */
  constructor(tokenizer: Tokenizer, { skipSpecialTokens = false }: DecodeOptions = {}) {
    if (!tokenizer.isByteLevel) {
      throw new OptionError("only byte-level tokenizers decode as a stream", {
        code: "tokenizer/not-byte-level",
        hint: "WordPiece tokenizers belong to encoders, which do not generate; use decode on all ids at once.",
      });
    }
    this.#tokenizer = tokenizer;
    this.#skipSpecialTokens = skipSpecialTokens;
  }

  /** The text that became complete with this token; empty while a character is unfinished. */
  push(id: number): string {
    if (this.#skipSpecialTokens && this.#tokenizer.isSpecial(id)) return "";
    return this.#utf8.decode(this.#tokenizer.tokenBytes(id), { stream: true });
  }

  /** What is left: U+FFFD when the last character never became complete, else nothing. */
  end(): string {
    return this.#utf8.decode();
  }
}
