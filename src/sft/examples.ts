import type { ChatMessage } from "../tokenizer/index.js";
import type { TokenizedExample } from "../training/index.js";

/** A task and its answer, the commonest form of instruction data. */
export interface InstructionExample {
  instruction: string;
  /** The material that the instruction speaks of. It follows the instruction after an empty line. */
  input?: string | undefined;
  output: string;
}

/** A text and how it goes on. Nothing is added to either but EOS. */
export interface CompletionExample {
  prompt: string;
  completion: string;
}

/** A conversation and how it goes on. */
export interface ChatCompletionExample {
  prompt: readonly ChatMessage[];
  completion: readonly ChatMessage[];
}

/** A whole conversation. */
export interface ChatExample {
  messages: readonly ChatMessage[];
}

/** A text to learn as it is: what pre-training uses. */
export interface TextExample {
  text: string;
}

/** Every form of training data. The last one is already in tokens and needs no tokenizer. */
export type SftExample =
  | InstructionExample
  | CompletionExample
  | ChatCompletionExample
  | ChatExample
  | TextExample
  | TokenizedExample;
