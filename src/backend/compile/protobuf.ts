/**
 * Just enough of Protocol Buffers to write a TensorFlow graph: tagged fields, each a varint, four bytes, or a
 * length and that many bytes.
 *
 * @source https://protobuf.dev/programming-guides/encoding
 */

/** A message or a field, already encoded. */
export type Encoded = Uint8Array;

export const message = (...fields: readonly Encoded[]): Encoded => Buffer.concat(fields);

/** A whole number or a truth value. Negative ones take ten bytes, as a 64-bit two's complement. */
export const integer = (field: number, value: number | boolean): Encoded =>
  message(tag(field, 0), varint(BigInt(Number(value))));

/** A 32-bit float. */
export function float(field: number, value: number): Encoded {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return message(tag(field, 5), bytes);
}

/** A string, bytes, or an embedded message. */
export function bytes(field: number, value: string | Uint8Array): Encoded {
  const content = typeof value === "string" ? Buffer.from(value) : value;
  return message(tag(field, 2), varint(BigInt(content.length)), content);
}

const tag = (field: number, wireType: number): Encoded => varint(BigInt(field * 8 + wireType));

function varint(value: bigint): Encoded {
  let rest = BigInt.asUintN(64, value);
  const groups: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    groups.push(rest ? low | 0x80 : low);
  } while (rest);
  return Uint8Array.from(groups);
}
