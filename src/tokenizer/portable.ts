import { gpt2Words } from "./byte-level.js";
import { type Component, componentsOf, type TokenizerJson } from "./tokenizer-json.js";

/**
 * The same tokenizer written so that the JavaScript library splits text where the reference does:
 * its own patterns use `\s` and `\d`, which mean other characters in JavaScript than in Unicode.
 */
export function portable(json: TokenizerJson): TokenizerJson {
  const parts = componentsOf(json.pre_tokenizer, "pretokenizers").flatMap(portablePart);
  const pre_tokenizer = parts.length > 1 ? { type: "Sequence", pretokenizers: parts } : (parts[0] ?? null);
  return { ...json, pre_tokenizer };
}

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
