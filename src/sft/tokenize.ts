import { DataError, OptionError } from "../errors.js";
import { applyChatTemplate, type ChatMessage, encode, type Tokenizer } from "../tokenizer/index.js";
import type { TokenizedExample } from "../training/index.js";
import type { InstructionExample, SftExample } from "./examples.js";
import { completionMask, type MaskKind, type TokenSpan } from "./mask.js";

export interface TokenizeOptions {
  /** Which tokens are learned. @default "completion" */
  mask?: MaskKind;
}

/**
 * An example in tokens, with the ones to learn marked by exact spans.
 *
 * - Instructions and chats are written by the tokenizer's chat template. An answer is learned from its first
 *   token to the special token that closes its turn, so that the model learns to stop.
 * - Without a chat template an instruction becomes `instructionPrompt(example)`, the output and EOS.
 * - A prompt and its completion are encoded each by itself, as at inference, and EOS follows.
 *
 * @throws {DataError} for an example of no known form
 * @throws {OptionError} for text without a tokenizer, or a tokenizer without an EOS token where one is needed
 * @throws {ChatTemplateError} when the template fails or the tokenizer has none for a chat
 */
export function tokenizeExample(
  tokenizer: Tokenizer | undefined,
  example: SftExample,
  { mask = "completion" }: TokenizeOptions = {},
): TokenizedExample {
  if (typeof example !== "object" || example === null) throw unknownForm(example);
  if ("tokenIds" in example) return example;
  if (!tokenizer) {
    throw new OptionError("examples of text need a tokenizer", {
      code: "sft/no-tokenizer",
      value: example,
      hint: "Pass `tokenizer`, or examples that are already { tokenIds, mask }.",
    });
  }
  const { tokenIds, spans } = write(tokenizer, example, mask);
  const whole = { start: 0, end: tokenIds.length };
  return { tokenIds, mask: completionMask(tokenIds.length, mask === "full" ? whole : spans) };
}

/**
 * The prompt of an example in tokens, exactly as it stands before the answer in training: what to generate from.
 */
export function tokenizePrompt(tokenizer: Tokenizer, example: SftExample): number[] {
  if ("instruction" in example) {
    if (tokenizer.chatTemplate === undefined) return encode(tokenizer, instructionPrompt(example), BEGIN);
    return chatPrompt(tokenizer, [userMessage(example)]);
  }
  if ("messages" in example)
    return chatPrompt(tokenizer, example.messages.slice(0, lastAnswer(example.messages)));
  if ("prompt" in example) {
    return typeof example.prompt === "string"
      ? encode(tokenizer, example.prompt, BEGIN)
      : chatPrompt(tokenizer, example.prompt);
  }
  throw new DataError("this example has no prompt", {
    code: "sft/no-prompt",
    value: example,
    hint: "Instructions, prompts with completions and chats have one.",
  });
}

/**
 * How an instruction is written when the tokenizer has no chat template of its own.
 *
 * @source the layout of Stanford Alpaca (Taori et al. 2023), without its preamble
 */
export const instructionPrompt = (example: Pick<InstructionExample, "instruction" | "input">): string =>
  `### Instruction:\n${userMessage(example).content}\n\n### Response:\n`;

const unknownForm = (example: unknown): DataError =>
  new DataError("this is no form of training data", {
    code: "sft/unknown-example",
    value: example,
    hint: "Examples are { instruction, output }, { prompt, completion }, { messages }, { text } or { tokenIds, mask }.",
  });

/** The start of a text has whatever the tokenizer puts there, such as BOS. */
const BEGIN = { addSpecialTokens: true };

interface Written {
  tokenIds: number[];
  /** What the answers are. */
  spans: TokenSpan[];
}

function write(
  tokenizer: Tokenizer,
  example: Exclude<SftExample, TokenizedExample>,
  mask: MaskKind,
): Written {
  if ("instruction" in example) {
    if (tokenizer.chatTemplate === undefined) {
      return writeText(tokenizer, instructionPrompt(example), example.output);
    }
    const answer = { role: "assistant", content: example.output };
    return writeChat(tokenizer, [userMessage(example), answer], 1);
  }
  if ("messages" in example) {
    const { messages } = example;
    return writeChat(tokenizer, messages, mask === "assistant" ? 0 : lastAnswer(messages));
  }
  if ("text" in example) return writeText(tokenizer, "", example.text);
  if (!("prompt" in example && "completion" in example)) throw unknownForm(example);
  const { prompt, completion } = example;
  if (typeof prompt === "string") return writeText(tokenizer, prompt, completion as string);
  const messages = [...prompt, ...(completion as readonly ChatMessage[])];
  return writeChat(tokenizer, messages, mask === "assistant" ? 0 : prompt.length);
}

/** Prompt and answer one after the other, and EOS. */
function writeText(tokenizer: Tokenizer, prompt: string, answer: string): Written {
  const before = encode(tokenizer, prompt, BEGIN);
  const after = withEnd(tokenizer, encode(tokenizer, answer));
  const tokenIds = [...before, ...after];
  return { tokenIds, spans: [{ start: before.length, end: tokenIds.length }] };
}

/** A conversation by the chat template. The assistant's messages from number `first` on are answers. */
function writeChat(tokenizer: Tokenizer, messages: readonly ChatMessage[], first: number): Written {
  const { ids, spans } = applyChatTemplate(tokenizer, messages);
  const answers = spans
    .filter(({ role }, i) => role === "assistant" && i >= first)
    .map(({ contentStart, turnEnd }) => ({ start: contentStart, end: turnEnd }));
  const [last, lastSpan] = [answers.at(-1), spans.at(-1)];
  const staysOpen = last && lastSpan?.turnEnd === lastSpan?.contentEnd && last.end === ids.length;
  if (!staysOpen) return { tokenIds: ids, spans: answers };
  return {
    tokenIds: withEnd(tokenizer, ids),
    spans: [...answers.slice(0, -1), { start: last.start, end: ids.length + 1 }],
  };
}

const chatPrompt = (tokenizer: Tokenizer, messages: readonly ChatMessage[]): number[] =>
  applyChatTemplate(tokenizer, messages, { addGenerationPrompt: true }).ids;

const userMessage = ({
  instruction,
  input,
}: Pick<InstructionExample, "instruction" | "input">): ChatMessage => ({
  role: "user",
  content: input ? `${instruction}\n\n${input}` : instruction,
});

const lastAnswer = (messages: readonly ChatMessage[]): number =>
  messages.findLastIndex(({ role }) => role === "assistant");

function withEnd(tokenizer: Tokenizer, ids: number[]): number[] {
  const { eosToken } = tokenizer;
  if (!eosToken) {
    throw new OptionError("this tokenizer has no EOS token, so a model could not learn to stop", {
      code: "sft/no-eos",
      hint: "Name one when the tokenizer is trained or loaded.",
    });
  }
  return ids.at(-1) === eosToken.id ? ids : [...ids, eosToken.id];
}
