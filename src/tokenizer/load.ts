import { open, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { DataError } from "../errors.js";
import { readGgufTokenizer } from "./gguf.js";
import { Tokenizer, type TokenizerRoles } from "./tokenizer.js";
import { parseTokenizerJson } from "./tokenizer-json.js";

/**
 * Loads a tokenizer: a `tokenizer.json`, a folder that holds one, or a GGUF with its own tables.
 * Byte-level BPE (GPT-2, Llama 3, Qwen2, SmolLM2) and WordPiece (BERT).
 *
 * The roles of special tokens and the chat template come from the `tokenizer_config.json` (and
 * `chat_template.jinja`) beside it, or from the GGUF. A padding token that is also the end-of-text token is
 * replaced by another special token, if there is one. Padding and truncation in the file are ignored.
 *
 * @throws {DataError} when the file is missing, is not a tokenizer, or is one of a kind we do not read
 */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  const file = await tokenizerFile(path);
  if (await isGguf(file)) {
    const { json, roles } = readGgufTokenizer(file);
    return new Tokenizer(json, roles);
  }
  const json = parseTokenizerJson(await readJson(file), file);
  return new Tokenizer(json, await readRoles(dirname(file)));
}

async function tokenizerFile(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  const file = found?.isDirectory() ? join(path, "tokenizer.json") : path;
  if (found && (file === path || (await stat(file).catch(() => undefined)))) return file;
  throw new DataError(`there is no tokenizer at ${file}`, {
    code: "tokenizer/missing-file",
    value: file,
    hint: "Give a tokenizer.json, a folder that holds one, or a GGUF file; `npm start` downloads the models of the course.",
  });
}

async function isGguf(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString("latin1") === "GGUF";
  } finally {
    await file.close();
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError(`${path} is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      code: "tokenizer/not-a-tokenizer",
      value: path,
      hint: "Give the tokenizer.json of a Hugging Face model, the folder that holds it, or a GGUF file.",
      cause,
    });
  }
}

/** A special token is written as its text, or as an object that holds it. */
const token = z
  .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
  .nullish()
  .transform((value) => value ?? undefined);

const chatTemplate = z
  .union([
    z.string(),
    // Several templates under names: "default" is the one for plain chats.
    z
      .array(z.object({ name: z.string(), template: z.string() }))
      .transform((named) => named.find(({ name }) => name === "default")?.template),
  ])
  .nullish()
  .transform((value) => value ?? undefined);

const tokenizerConfig = z
  .object({
    bos_token: token,
    eos_token: token,
    pad_token: token,
    unk_token: token,
    cls_token: token,
    sep_token: token,
    chat_template: chatTemplate,
  })
  .transform((config) => ({
    bosToken: config.bos_token ?? config.cls_token,
    eosToken: config.eos_token ?? config.sep_token,
    padToken: config.pad_token,
    unkToken: config.unk_token,
    chatTemplate: config.chat_template,
  }));

async function readRoles(folder: string): Promise<TokenizerRoles> {
  const configFile = join(folder, "tokenizer_config.json");
  const isThere = await stat(configFile).catch(() => undefined);
  const parsed = tokenizerConfig.safeParse(isThere ? await readJson(configFile) : {});
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new DataError(`${configFile}: ${issue?.path.join(".")}: ${issue?.message}`, {
      code: "tokenizer/damaged",
      value: issue?.path.join("."),
      hint: "The file is not a tokenizer_config.json as transformers writes it.",
      cause: parsed.error,
    });
  }
  const template = await readFile(join(folder, "chat_template.jinja"), "utf8").catch(() => undefined);
  return { ...parsed.data, chatTemplate: template ?? parsed.data.chatTemplate };
}
