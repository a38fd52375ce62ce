import { OptionError } from "../errors.js";
import { type MessageRange, renderWithRanges } from "./message-ranges.js";
import { type ChatMessage, ChatTemplateError, templateOf } from "./template.js";
import type { Tokenizer } from "./tokenizer.js";

export interface ChatTemplateOptions {
  /** End with the words that open an answer (`<|im_start|>assistant`, newline). @default false */
  addGenerationPrompt?: boolean;
  /**
   * Read special tokens that stand inside a message's content as special, as transformers does.
   * With `false` only the template's own are special, and no message can end its turn.
   * @default true
   */
  allowSpecial?: boolean;
}

/**
 * Where a message lies among the token ids. Ranges are half-open.
 *
 * For `<|im_start|>assistant⏎Yes<|im_end|>⏎`: `start` is at `<|im_start|>`, `contentStart` at `Yes`,
 * `contentEnd` at `<|im_end|>`, `turnEnd` just behind it, `end` behind the newline.
 */
export interface MessageSpan {
  readonly role: string;
  readonly start: number;
  readonly end: number;
  readonly contentStart: number;
  readonly contentEnd: number;
  /**
   * Behind the special token that closes the turn, or `contentEnd` when the template closes turns without one.
   * `[contentStart, turnEnd)` is what an answer is trained on: the model must learn to stop.
   */
  readonly turnEnd: number;
}

export interface RenderedChat {
  readonly text: string;
  readonly ids: number[];
  /** One a message, in order. A BOS token, a default system prompt and the generation prompt are in none. */
  readonly spans: MessageSpan[];
}

/**
 * Writes a conversation as its model was taught to read it, and says which tokens are whose.
 * The ids equal `encode(tokenizer, text)`; a default system prompt is added where the template adds one.
 *
 * @throws {ChatTemplateError} when there is no template, it fails, or a token lies half in a content and half outside
 * @throws {OptionError} for a tokenizer that is not byte-level, whose tokens have no exact place in the text
 */
export function applyChatTemplate(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  { addGenerationPrompt = false, allowSpecial = true }: ChatTemplateOptions = {},
): RenderedChat {
  requireMessages(messages);
  requireByteLevel(tokenizer);
  const { text, ranges } = renderWithRanges(templateOf(tokenizer), messages, addGenerationPrompt);
  const ids = allowSpecial ? tokenizer.encode(text) : encodeAround(tokenizer, text, ranges);
  const tokenAt = tokenBoundaries(tokenizer, text, ids);
  const spans = ranges.map((range, i) => {
    const place = (key: keyof MessageRange): number => {
      const token = tokenAt(range[key]);
      if (token !== undefined) return token;
      throw straddling(tokenizer, i, key, text.slice(range.contentStart, range.contentEnd));
    };
    const [start, end] = [place("start"), place("end")];
    const [contentStart, contentEnd] = [place("contentStart"), place("contentEnd")];
    const closing = ids.slice(contentEnd, end).findIndex((id) => tokenizer.isSpecial(id));
    return {
      role: messages[i]?.role ?? "",
      start,
      end,
      contentStart,
      contentEnd,
      turnEnd: contentEnd + closing + 1,
    };
  });
  return { text, ids, spans };
}

/** Encodes the text with only those special tokens that stand outside the contents. */
function encodeAround(tokenizer: Tokenizer, text: string, ranges: readonly MessageRange[]): number[] {
  const special = tokenizer.addedTokens.filter((token) => token.special);
  const byLength = [...special].sort((a, b) => b.content.length - a.content.length);
  const isInContent = (at: number) =>
    ranges.some(({ contentStart, contentEnd }) => at >= contentStart && at < contentEnd);
  const ids: number[] = [];
  let plainStart = 0;
  const flush = (end: number) => {
    if (end > plainStart) ids.push(...tokenizer.encode(text.slice(plainStart, end), { allowSpecial: false }));
  };
  for (let at = 0; at < text.length; ) {
    const found = isInContent(at) ? undefined : byLength.find(({ content }) => text.startsWith(content, at));
    if (!found) {
      at++;
      continue;
    }
    flush(at);
    ids.push(found.id);
    at += found.content.length;
    plainStart = at;
  }
  flush(text.length);
  return ids;
}

/** Which token starts at a place in the text; undefined inside a token. Counted in bytes, which tokens have exactly. */
function tokenBoundaries(tokenizer: Tokenizer, text: string, ids: readonly number[]) {
  const tokenAtByte = new Map<number, number>();
  let bytes = 0;
  for (const [index, id] of ids.entries()) {
    tokenAtByte.set(bytes, index);
    bytes += tokenizer.tokenBytes(id).length;
  }
  tokenAtByte.set(bytes, ids.length);
  const bytesBefore = (at: number) => Buffer.byteLength(tokenizer.normalize(text.slice(0, at)));
  if (bytes !== bytesBefore(text.length)) throw inexact();
  return (at: number): number | undefined => tokenAtByte.get(bytesBefore(at));
}

function requireMessages(messages: readonly ChatMessage[]): void {
  const wrong = messages.findIndex(
    ({ role, content }) => typeof role !== "string" || typeof content !== "string",
  );
  if (messages.length > 0 && wrong < 0) return;
  throw new OptionError(
    wrong < 0 ? "a chat needs at least one message" : `message ${wrong} is not { role, content }`,
    {
      code: "tokenizer/bad-messages",
      value: messages[wrong],
      hint: 'Write messages as [{ role: "user", content: "…" }, { role: "assistant", content: "…" }].',
    },
  );
}

function requireByteLevel(tokenizer: Tokenizer): void {
  if (tokenizer.isByteLevel) return;
  throw new OptionError("chats need a byte-level tokenizer: only its tokens have exact places in the text", {
    code: "tokenizer/not-byte-level",
    hint: "WordPiece tokenizers belong to encoders, which do not chat.",
  });
}

const inexact = (): ChatTemplateError =>
  new ChatTemplateError("the tokens of this chat do not spell its text: some characters have no token", {
    code: "tokenizer/inexact-tokens",
    hint: "The vocabulary lacks some bytes, or a special token swallows the spaces around it; use another tokenizer.",
  });

const straddling = (
  tokenizer: Tokenizer,
  message: number,
  edge: string,
  content: string,
): ChatTemplateError =>
  new ChatTemplateError(`one token lies across the ${edge} of message ${message}, so no mask can be exact`, {
    code: "tokenizer/span-not-aligned",
    value: { message, content, vocabSize: tokenizer.vocabSize },
    hint: "The content begins or ends with spaces or newlines that merge with the template's own: trim it.",
  });
