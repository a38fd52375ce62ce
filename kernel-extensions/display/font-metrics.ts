/**
 * Advance widths of a TrueType or OpenType font: its `cmap` (character → glyph) and `hmtx` (glyph → width) tables.
 * A DOM without a layout engine cannot measure text; these numbers can.
 *
 * @source OpenType 1.9, tables cmap (formats 4 and 12), hhea, hmtx
 */
export class FontMetrics {
  readonly #file: Buffer;
  readonly #unitsPerEm: number;
  readonly #widths: { offset: number; count: number };
  readonly #glyphOf: (codePoint: number) => number;
  readonly #known = new Map<string, number | undefined>();

  constructor(file: Buffer) {
    this.#file = file;
    const tables = readDirectory(file);
    const table = (tag: string): number => {
      const offset = tables.get(tag);
      if (offset === undefined) throw new Error(`The font has no ${tag} table.`);
      return offset;
    };
    this.#unitsPerEm = file.readUInt16BE(table("head") + 18);
    this.#widths = { offset: table("hmtx"), count: file.readUInt16BE(table("hhea") + 34) };
    this.#glyphOf = readCharacterMap(file, table("cmap"));
  }

  /** Width of a character in units of the font size; `undefined` when the font cannot draw it. */
  advance(character: string): number | undefined {
    if (!this.#known.has(character)) this.#known.set(character, this.#measure(character));
    return this.#known.get(character);
  }

  #measure(character: string): number | undefined {
    const glyph = this.#glyphOf(character.codePointAt(0) ?? 0);
    if (glyph === 0) return undefined;
    const { offset, count } = this.#widths; // glyphs past the last entry share its width
    return this.#file.readUInt16BE(offset + 4 * Math.min(glyph, count - 1)) / this.#unitsPerEm;
  }
}

function readDirectory(file: Buffer): Map<string, number> {
  const tables = new Map<string, number>();
  for (let index = 0; index < file.readUInt16BE(4); index++) {
    const record = 12 + index * 16;
    tables.set(file.toString("latin1", record, record + 4), file.readUInt32BE(record + 8));
  }
  return tables;
}

function readCharacterMap(file: Buffer, cmap: number): (codePoint: number) => number {
  const subtables = Array.from({ length: file.readUInt16BE(cmap + 2) }, (_, index) => {
    const offset = cmap + file.readUInt32BE(cmap + 4 + index * 8 + 4);
    return { offset, format: file.readUInt16BE(offset) };
  });
  const full = subtables.find(({ format }) => format === 12);
  if (full) return (codePoint) => glyphInGroups(file, full.offset, codePoint);
  const basic = subtables.find(({ format }) => format === 4);
  if (basic) return (codePoint) => glyphInSegments(file, basic.offset, codePoint);
  throw new Error("The font has no Unicode character map of format 4 or 12.");
}

/** Format 12: sorted groups of consecutive code points and glyphs. */
function glyphInGroups(file: Buffer, table: number, codePoint: number): number {
  let [low, high] = [0, file.readUInt32BE(table + 12) - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const group = table + 16 + middle * 12;
    if (codePoint < file.readUInt32BE(group)) high = middle - 1;
    else if (codePoint > file.readUInt32BE(group + 4)) low = middle + 1;
    else return file.readUInt32BE(group + 8) + codePoint - file.readUInt32BE(group);
  }
  return 0;
}

/** Format 4: segments of the Basic Multilingual Plane with a delta or a glyph list each. */
function glyphInSegments(file: Buffer, table: number, codePoint: number): number {
  const bytes = file.readUInt16BE(table + 6); // two bytes a segment
  const [ends, starts] = [table + 14, table + 16 + bytes];
  for (let segment = 0; segment < bytes; segment += 2) {
    if (codePoint > file.readUInt16BE(ends + segment)) continue;
    const start = file.readUInt16BE(starts + segment);
    if (codePoint < start) return 0;
    const delta = file.readUInt16BE(starts + bytes + segment);
    const rangeAt = starts + 2 * bytes + segment;
    const range = file.readUInt16BE(rangeAt);
    if (range === 0) return (codePoint + delta) & 0xffff;
    const glyph = file.readUInt16BE(rangeAt + range + 2 * (codePoint - start));
    return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
  }
  return 0;
}
