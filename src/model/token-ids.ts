import { valuesOnHost } from "../backend/index.js";
import type { Tensor } from "../backend/tf.js";
import { OptionError } from "../errors.js";

/**
 * Refuses tokens that a vocabulary does not have, where they can be seen without waiting for a device. WebAssembly
 * and plain JavaScript would read past the end of a table; TensorFlow's library refuses by itself, in its own words.
 *
 * @throws {OptionError} naming the token and its place
 */
export function requireKnownTokens(tokenIds: Tensor, vocabSize: number): void {
  const ids = valuesOnHost(tokenIds);
  if (!ids) return;
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at] as number;
    if (id >= 0 && id < vocabSize) continue;
    const width = tokenIds.shape.at(-1) ?? 1;
    const place = tokenIds.rank > 1 ? `[${Math.floor(at / width)}, ${at % width}]` : `[${at}]`;
    throw new OptionError(`token ${id} at ${place} is not among the model's ${vocabSize}`, {
      code: "model/unknown-token",
      value: { token: id, vocabSize },
      hint: "Use the tokenizer that belongs to the model.",
    });
  }
}
