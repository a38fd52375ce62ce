export { applyChatTemplate, type ChatTemplateOptions, type MessageSpan, type RenderedChat } from "./chat.js";
export { loadTokenizer } from "./load.js";
export { saveTokenizer } from "./save.js";
export { StreamDecoder } from "./stream.js";
export { type ChatMessage, ChatTemplateError, chatMl } from "./template.js";
export {
  type DecodeOptions,
  decode,
  type EncodeOptions,
  encode,
  type SpecialToken,
  Tokenizer,
  type TokenizerRoles,
} from "./tokenizer.js";
export { type TrainBpeOptions, trainBpe } from "./train.js";
