const [MULTIPLIER_A, MULTIPLIER_B] = [0xd2511f53, 0xcd9e8d57];
const [WEYL_A, WEYL_B] = [0x9e3779b9, 0xbb67ae85];
const ROUNDS = 10;

/**
 * Philox4x32-10, a random generator without state: the n-th number is computed from n. Each round multiplies two
 * of the counter's words and mixes the halves of the products with the other two words and the key.
 *
 * $$ (c_0, c_1, c_2, c_3) \leftarrow
 *    (\operatorname{hi}(M_B c_2) \oplus c_1 \oplus k_0,\; \operatorname{lo}(M_B c_2),\;
 *     \operatorname{hi}(M_A c_0) \oplus c_3 \oplus k_1,\; \operatorname{lo}(M_A c_0)) $$
 *
 * @param counter four 32-bit words: which numbers are asked for
 * @param key     two 32-bit words: which sequence
 * @param out     receives the four random words
 * @source Salmon et al. 2011 (Random123), section 3.3
 */
export function philox(
  counter: ArrayLike<number>,
  key: ArrayLike<number>,
  out: Uint32Array = new Uint32Array(4),
): Uint32Array {
  let { 0: c0 = 0, 1: c1 = 0, 2: c2 = 0, 3: c3 = 0 } = counter;
  let { 0: k0 = 0, 1: k1 = 0 } = key;
  for (let round = 0; round < ROUNDS; round++) {
    const highA = highWord(MULTIPLIER_A, c0);
    const lowA = Math.imul(MULTIPLIER_A, c0);
    const highB = highWord(MULTIPLIER_B, c2);
    const lowB = Math.imul(MULTIPLIER_B, c2);
    c0 = highB ^ c1 ^ k0;
    c1 = lowB;
    c2 = highA ^ c3 ^ k1;
    c3 = lowA;
    k0 = (k0 + WEYL_A) | 0;
    k1 = (k1 + WEYL_B) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
  return out;
}

/** The upper 32 bits of the 64-bit product of two words, from products of their halves. */
function highWord(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16);
  const carried = Math.imul(aLow, bHigh) + (middle & 0xffff);
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carried >>> 16)) | 0;
}
