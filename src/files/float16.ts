/** The two 16-bit floating-point formats, bit by bit, so that NaN payloads survive a round trip. */

const halfBits = new Uint32Array(0x10000);
for (let half = 0; half < halfBits.length; half++) halfBits[half] = widenHalf(half);
const halfValues = new Float32Array(halfBits.buffer);

/** float32 bits of an IEEE 754 half: 1 sign, 5 exponent, 10 fraction bits. */
function widenHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  const shift = Math.clz32(fraction) - 21; // a subnormal half is a normal float32
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}

/** The value of one half, from its 16 bits. */
export const halfToNumber = (half: number): number => halfValues[half] ?? Number.NaN;

export function float32FromHalf(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halfBits[halves[i] as number] as number;
  return new Float32Array(bits.buffer);
}

/** Rounds to nearest, ties to even; too large becomes infinity. */
export function halfFromFloat32(numbers: Float32Array): Uint16Array {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  return Uint16Array.from(bits, narrowToHalf);
}

function narrowToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | nanFraction(fraction, 13);
  if (exponent >= 113) {
    const rounded = roundShift(((exponent - 112) << 23) | fraction, 13);
    return sign | Math.min(rounded, 0x7c00);
  }
  if (exponent < 102) return sign;
  return sign | roundShift(fraction | 0x800000, 126 - exponent);
}

/** Brain float: the upper half of a float32. */
export function float32FromBrain(brains: Uint16Array): Float32Array {
  const bits = new Uint32Array(brains.length);
  for (let i = 0; i < brains.length; i++) bits[i] = (brains[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

/** Rounds to nearest, ties to even. */
export function brainFromFloat32(numbers: Float32Array): Uint16Array {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  return Uint16Array.from(bits, (word) => {
    const isNotANumber = (word & 0x7fffffff) > 0x7f800000;
    if (isNotANumber) return ((word >>> 16) & 0xff80) | nanFraction(word & 0x7fffff, 16);
    return ((word >>> 31) << 15) | roundShift(word & 0x7fffffff, 16);
  });
}

/** `bits / 2^shift`, rounded to nearest, ties to even. */
function roundShift(bits: number, shift: number): number {
  const half = 1 << (shift - 1);
  const remainder = bits & ((1 << shift) - 1);
  const quotient = bits >>> shift;
  return remainder > half || (remainder === half && quotient & 1) ? quotient + 1 : quotient;
}

/** Keeps the upper payload bits; a NaN whose payload is all in the lower bits must not turn into infinity. */
const nanFraction = (fraction: number, shift: number): number =>
  fraction === 0 ? 0 : fraction >>> shift || 1 << (22 - shift);
