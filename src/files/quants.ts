import { float32FromBrain, float32FromHalf, halfToNumber } from "./float16.js";

/** Bytes as stored → numbers. The bytes start at a multiple of four and are not needed afterwards. */
export type Decode = (bytes: Buffer) => Float32Array;

const halves = (bytes: Buffer): Uint16Array =>
  new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
const halfAt = (bytes: Buffer, offset: number): number => halfToNumber(bytes.readUInt16LE(offset));

const itemsPerBlock = 32;

/** Block: scale d (half), 32 signed bytes q. x = d·q. */
function dequantiseQ8(bytes: Buffer): Float32Array {
  const blockBytes = 34;
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const numbers = new Float32Array((bytes.length / blockBytes) * itemsPerBlock);
  for (let block = 0, out = 0; block < bytes.length; block += blockBytes) {
    const scale = halfAt(bytes, block);
    for (let i = 0; i < itemsPerBlock; i++) numbers[out++] = (signed[block + 2 + i] as number) * scale;
  }
  return numbers;
}

/**
 * Block: scale d (half), for Q4_1 also the least value m (half), 16 bytes of two nibbles each.
 * The low nibbles are items 0–15, the high ones 16–31. Q4_0: x = d·(q − 8). Q4_1: x = d·q + m.
 */
function dequantiseQ4(bytes: Buffer, hasMinimum: boolean): Float32Array {
  const header = hasMinimum ? 4 : 2;
  const blockBytes = header + itemsPerBlock / 2;
  const numbers = new Float32Array((bytes.length / blockBytes) * itemsPerBlock);
  for (let block = 0, out = 0; block < bytes.length; block += blockBytes, out += itemsPerBlock) {
    const scale = halfAt(bytes, block);
    const minimum = hasMinimum ? halfAt(bytes, block + 2) : -8 * scale;
    for (let i = 0; i < itemsPerBlock / 2; i++) {
      const pair = bytes[block + header + i] as number;
      // ggml rounds the product to float32 before it adds.
      numbers[out + i] = Math.fround((pair & 15) * scale) + minimum;
      numbers[out + 16 + i] = Math.fround((pair >> 4) * scale) + minimum;
    }
  }
  return numbers;
}

/** How to read each storage type that we read. Little-endian hosts only, as every platform of Node's is. */
export const decoders: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ["F32", (bytes) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)],
  ["F16", (bytes) => float32FromHalf(halves(bytes))],
  ["BF16", (bytes) => float32FromBrain(halves(bytes))],
  ["Q8_0", dequantiseQ8],
  ["Q4_0", (bytes) => dequantiseQ4(bytes, false)],
  ["Q4_1", (bytes) => dequantiseQ4(bytes, true)],
]);
