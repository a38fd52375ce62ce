// Jupyter counts positions in Unicode characters, JavaScript in UTF-16 units: an emoji is one or two.

/** The UTF-16 offset of the `characters`-th Unicode character. */
export function toUtf16(text: string, characters: number): number {
  return [...text].slice(0, characters).join("").length;
}

/** The number of Unicode characters before the UTF-16 offset `units`. */
export function toCharacters(text: string, units: number): number {
  return [...text.slice(0, units)].length;
}
