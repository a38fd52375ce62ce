/**
 * The next size of a short series: 16, 24, 32, 48, 64, 96, 128, …
 *
 * Batches of few distinct shapes let a step that was compiled once run many times; at most a third of a batch
 * is padding.
 *
 * @param most the result is never larger
 */
export function bucketSize(size: number, most = Number.POSITIVE_INFINITY): number {
  let bucket = 16;
  while (bucket < size) bucket = Number.isInteger(Math.log2(bucket)) ? bucket * 1.5 : (bucket * 4) / 3;
  return Math.min(bucket, most);
}
