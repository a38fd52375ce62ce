import { rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { OptionError } from "../errors.js";
import { replaceFile } from "../files/index.js";
import type { Tokenizer } from "./tokenizer.js";

/**
 * Writes a tokenizer as Hugging Face models have it: `tokenizer.json`, the roles of its special tokens in
 * `tokenizer_config.json`, and its chat template, if any, in `chat_template.jinja`.
 * `loadTokenizer`, Python's `tokenizers` and `transformers` read it back.
 *
 * @param path a folder, made if it is missing, or a `tokenizer.json` in one
 * @throws {DataError} when it cannot be written, as on a full disk; a file is replaced whole or not at all
 */
export function saveTokenizer(tokenizer: Tokenizer, path: string): void {
  const folder = folderOf(path);
  const { bosToken, eosToken, padToken, unkToken, chatTemplate } = tokenizer;
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: bosToken?.content ?? null,
    eos_token: eosToken?.content ?? null,
    pad_token: padToken?.content ?? null,
    unk_token: unkToken?.content ?? null,
    clean_up_tokenization_spaces: false,
  };
  replaceFile(join(folder, "tokenizer.json"), `${JSON.stringify(tokenizer.json, null, 2)}\n`);
  replaceFile(join(folder, "tokenizer_config.json"), `${JSON.stringify(config, null, 2)}\n`);
  const templateFile = join(folder, "chat_template.jinja");
  if (chatTemplate === undefined) rmSync(templateFile, { force: true });
  else replaceFile(templateFile, chatTemplate);
}

function folderOf(path: string): string {
  if (basename(path) === "tokenizer.json") return dirname(path);
  if (!path.endsWith(".json")) return path;
  throw new OptionError(`a tokenizer cannot be saved as ${basename(path)}`, {
    code: "tokenizer/bad-file-name",
    value: path,
    hint: "Give a folder: a tokenizer is a tokenizer.json and the files beside it.",
  });
}
