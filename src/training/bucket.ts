/** Nothing is padded to less. */
const SMALLEST = 16;

/**
 * The next length of a short series: 16, 24, 32, 48, 64, 96, 128, …
 *
 * Batches of few distinct shapes let a step that was compiled once run many times; at most a third of a batch
 * is padding.
 *
 * @param most the result is never larger
 */
export function bucketSize(size: number, most = Number.POSITIVE_INFINITY): number {
  const above = powerOfTwo(size);
  const between = above * 0.75;
  return Math.min(between >= size && between > SMALLEST ? between : above, most);
}

/** The next power of two from 16 on, for sizes that cost less: half as many shapes, up to half of it padding. */
export function powerOfTwo(size: number, most = Number.POSITIVE_INFINITY): number {
  return Math.min(2 ** Math.ceil(Math.log2(Math.max(size, SMALLEST))), most);
}
