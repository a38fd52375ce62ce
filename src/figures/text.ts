/** Estimated width of a line of text in units of its font size: what the figures need to leave room for it. */
export function estimateWidth(text: string): number {
  let width = 0;
  for (const character of text) width += isWide(character) ? 1 : NARROW.test(character) ? 0.32 : 0.58;
  return width;
}

const NARROW = /[iIjlft.,:;'|!()[\] ]/;
const isWide = (character: string): boolean => (character.codePointAt(0) ?? 0) >= 0x2e80;

/**
 * Breaks text into lines of at most `width` font sizes: at spaces, and between Chinese characters but never before a
 * closing mark. No line is much shorter than the others.
 */
export function wrap(text: string, width: number): string[] {
  const lines = fill(text, width);
  let balanced = lines; // the same number of lines, as equal in length as they can be
  for (let narrower = width - 1; narrower > 0; narrower--) {
    const filled = fill(text, narrower);
    if (filled.length > lines.length) break;
    balanced = filled;
  }
  return balanced;
}

function fill(text: string, width: number): string[] {
  const pieces = text.match(/\n|[\u2e80-\uffef](?:[，。；：、？！）》”]*)| ?[^\s\u2e80-\uffef]+| +/g) ?? [];
  const lines = [""];
  for (const piece of pieces) {
    const line = lines.at(-1) ?? "";
    if (piece === "\n") lines.push("");
    else if (line !== "" && estimateWidth(line + piece) > width) lines.push(piece.trimStart());
    else lines[lines.length - 1] = line + piece;
  }
  return lines.map((line) => line.trim());
}

/** A token as it is printed: spaces and line ends made visible, markup inert. */
export function showToken(token: unknown): string {
  const visible = String(token).replace(/ /g, "·").replace(/\n/g, "↵").replace(/\t/g, "→");
  return escapeMarkup(visible === "" ? "∅" : visible);
}

/** Plotly reads a few HTML tags in text; text from data must not. */
export const escapeMarkup = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/** A share as a percentage with a sensible number of digits. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.005) return `${value.toPrecision(1)} %`; // two places would say 0.00
  return `${value >= 99.95 || value === 0 ? value.toFixed(0) : value.toFixed(value < 1 ? 2 : 1)} %`;
}
