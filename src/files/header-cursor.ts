import type { OpenFile } from "./open-file.js";
import { damagedFile } from "./tensor-file.js";

const windowBytes = 1 << 20;
/** Far more than any vocabulary has; a small file must not be able to ask for much memory. */
const mostItems = 1 << 24;
const longestString = 1 << 26;

/**
 * Reads little-endian fields one after the other. Every length is compared with what is left of the file
 * before anything is allocated by it.
 */
export class HeaderCursor {
  readonly #file: OpenFile;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  #itemsLeft = mostItems;
  /** Byte of the file that the next field starts at. */
  offset = 0;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  get remaining(): number {
    return this.#file.size - this.offset;
  }

  /** The next `length` bytes; valid until the next call. */
  take(length: number, field: string): Buffer {
    if (length > this.remaining) {
      throw damagedFile(
        this.#file.path,
        field,
        `needs ${length} bytes, only ${this.remaining} are left`,
        length,
      );
    }
    const start = this.offset - this.#windowStart;
    this.offset += length;
    if (start + length <= this.#window.length) return this.#window.subarray(start, start + length);
    this.#windowStart = this.offset - length;
    const wanted = Math.min(Math.max(length, windowBytes), this.#file.size - this.#windowStart);
    this.#window = this.#file.bytes(this.#windowStart, wanted, field);
    return this.#window.subarray(0, length);
  }

  uint32(field: string): number {
    return this.take(4, field).readUInt32LE();
  }

  uint64(field: string): bigint {
    return this.take(8, field).readBigUInt64LE();
  }

  /** A count of things that take at least `itemBytes` each, so that they can all be in the file. */
  count(field: string, itemBytes: number): number {
    const count = this.uint64(field);
    if (count * BigInt(itemBytes) > BigInt(this.remaining)) {
      const problem = `claims ${count} entries, more than the ${this.remaining} bytes that are left can hold`;
      throw damagedFile(this.#file.path, field, problem, count);
    }
    return Number(count);
  }

  /** A count of array items, of which the whole header may have no more than 2^24. */
  itemCount(field: string, itemBytes: number): number {
    const count = this.count(field, itemBytes);
    this.#itemsLeft -= count;
    if (this.#itemsLeft >= 0) return count;
    throw damagedFile(this.#file.path, field, `claims ${count} entries, more than any model has`, count);
  }

  string(field: string): string {
    const length = this.count(`${field} (its length)`, 1);
    if (length <= longestString) return this.take(length, field).toString("utf8");
    throw damagedFile(this.#file.path, field, `claims to be a text of ${length} bytes`, length);
  }
}
