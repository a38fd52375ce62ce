/**
 * Byte-level BPE works on bytes written as visible characters: printable Latin-1 stands for itself,
 * the other 68 bytes are numbered from U+0100 on (a space becomes Ġ, a newline Ċ).
 *
 * @source Radford et al. 2019 (GPT-2), `encoder.py`
 */
const isVisible = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

const characterOfByte: string[] = [];
for (let byte = 0, hidden = 0; byte < 256; byte++) {
  characterOfByte.push(String.fromCharCode(isVisible(byte) ? byte : 0x100 + hidden++));
}
const byteOfCharacter = new Map(characterOfByte.map((character, byte) => [character, byte]));

/** The 256 characters of the byte alphabet, in code-point order: the order of their ids in a trained vocabulary. */
export const byteAlphabet: readonly string[] = [...characterOfByte].sort();

/**
 * GPT-2's words: contractions, letters, digits, other signs, each with its leading space, then runs of spaces.
 * JavaScript's `\s` differs from Unicode's White_Space (it takes U+FEFF and leaves out U+0085), so that is named.
 */
export const gpt2Words =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{White_Space}\\p{L}\\p{N}]+|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+";

const utf8 = new TextEncoder();

/** Text as byte characters. */
export function toByteCharacters(text: string): string {
  let characters = "";
  for (const byte of utf8.encode(text)) characters += characterOfByte[byte];
  return characters;
}

/** The bytes that a token of byte characters stands for; a token with any other character stands for itself. */
export function fromByteCharacters(token: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = byteOfCharacter.get(character);
    if (byte === undefined) return utf8.encode(token);
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
