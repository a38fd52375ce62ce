import { Template } from "@huggingface/jinja";
import { PosttrainError } from "../errors.js";
import type { Tokenizer } from "./tokenizer.js";

/** One turn of a conversation. A template may use further fields. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** A chat template that is missing, fails, or rewrites its messages so that they cannot be found again. */
export class ChatTemplateError extends PosttrainError {}

/** Renders messages as text. */
export type Render = (messages: readonly ChatMessage[], addGenerationPrompt?: boolean) => string;

/** ChatML: `<|im_start|>role`, newline, content, `<|im_end|>`, newline. */
export const chatMl =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** @throws {ChatTemplateError} when the tokenizer has no template or it is not valid Jinja */
export function templateOf(tokenizer: Tokenizer): Render {
  const { chatTemplate, bosToken, eosToken, padToken, unkToken } = tokenizer;
  if (chatTemplate === undefined) {
    throw new ChatTemplateError("this tokenizer has no chat template", {
      code: "tokenizer/no-chat-template",
      hint: "Base models often have none; load an instruct model, or give trainBpe a chatTemplate.",
    });
  }
  const explain = (cause: unknown) =>
    new ChatTemplateError(`the chat template fails: ${cause instanceof Error ? cause.message : cause}`, {
      code: "tokenizer/chat-template-fails",
      value: chatTemplate,
      hint: "Check that the roles come in the order that the template wants, and that every message has a content.",
      cause,
    });
  const template = attempt(() => new Template(chatTemplate), explain);
  const tokens = {
    bos_token: bosToken?.content,
    eos_token: eosToken?.content,
    pad_token: padToken?.content,
    unk_token: unkToken?.content,
  };
  return (messages, addGenerationPrompt = false) =>
    attempt(
      () => template.render({ ...tokens, messages, add_generation_prompt: addGenerationPrompt }),
      explain,
    );
}

function attempt<T>(action: () => T, explain: (cause: unknown) => Error): T {
  try {
    return action();
  } catch (cause) {
    throw explain(cause);
  }
}
