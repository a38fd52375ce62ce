import { gpt2Words } from "./byte-level.js";
import { type Component, componentsOf, type TokenizerJson } from "./tokenizer-json.js";

/**
 * The same tokenizer written so that the JavaScript library cuts text where the reference does.
 * Its own patterns use `\s` and `\d`, which mean other characters in JavaScript than in Unicode; its BERT normaliser
 * overlooks Chinese characters beyond U+FFFF and lower-cases a final Σ as JavaScript does, not letter by letter.
 */
export function portable(json: TokenizerJson): TokenizerJson {
  const parts = componentsOf(json.pre_tokenizer, "pretokenizers").flatMap(portablePart);
  const pre_tokenizer = parts.length > 1 ? { type: "Sequence", pretokenizers: parts } : (parts[0] ?? null);
  return { ...json, pre_tokenizer, normalizer: portableNormalizer(json.normalizer) };
}

function portableNormalizer(normalizer: Component | null): Component | null {
  const parts = componentsOf(normalizer, "normalizers").flatMap((part) =>
    part.type === "BertNormalizer" ? [...bertRepairs(part), part] : [part],
  );
  return parts.length > 1 ? { type: "Sequence", normalizers: parts } : (parts[0] ?? null);
}

/** What is to be done to a text before the library's BERT normaliser sees it. */
function bertRepairs({ lowercase, handle_chinese_chars }: Component): Component[] {
  const spaced = { type: "Replace", pattern: { Regex: astralChinese }, content: " $& " };
  const sigma = { type: "Replace", pattern: { String: "Σ" }, content: "σ" };
  return [...(handle_chinese_chars === true ? [spaced] : []), ...(lowercase === true ? [sigma] : [])];
}

/** The blocks beyond U+FFFF that BERT takes for Chinese characters. */
const astralChinese =
  "[\\u{20000}-\\u{2A6DF}\\u{2A700}-\\u{2B73F}\\u{2B740}-\\u{2B81F}\\u{2B820}-\\u{2CEAF}\\u{2F800}-\\u{2FA1F}]";

function portablePart(part: Component): Component[] {
  if (part.type === "ByteLevel" && part.use_regex !== false && part.add_prefix_space !== true) {
    return [isolate(gpt2Words), { ...part, use_regex: false }];
  }
  if (part.type === "Digits") return [isolate(part.individual_digits === true ? "\\p{N}" : "\\p{N}+")];
  return [part];
}

/** Cuts the text around every match, keeping the matches. */
export const isolate = (pattern: string): Component => ({
  type: "Split",
  pattern: { Regex: pattern },
  behavior: "Isolated",
  invert: false,
});
