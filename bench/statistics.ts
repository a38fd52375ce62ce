/** Where half of a sample lies. */
export interface Spread {
  median: number;
  /** The first and third quartile. */
  low: number;
  high: number;
}

/** The q-quantile of a sample, interpolated linearly between its values. */
export function quantile(sample: readonly number[], q: number): number {
  if (sample.length === 0) throw new RangeError("an empty sample has no quantile");
  const ascending = [...sample].sort((a, b) => a - b);
  const place = q * (ascending.length - 1);
  const below = ascending[Math.floor(place)] as number;
  const above = ascending[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}

export const spread = (sample: readonly number[]): Spread => ({
  median: quantile(sample, 0.5),
  low: quantile(sample, 0.25),
  high: quantile(sample, 0.75),
});

/** Share of the median by which the middle half of a sample varies. */
export const relativeSpread = ({ median, low, high }: Spread): number => (high - low) / median;

/**
 * Ratios of what two sides took in the same round. A machine that is slow for a while is slow for both, so these
 * vary less than the times themselves.
 */
export function roundRatios(ours: readonly number[], reference: readonly number[]): number[] {
  if (ours.length !== reference.length) {
    throw new RangeError(`${ours.length} rounds cannot be compared with ${reference.length}`);
  }
  return ours.map((seconds, round) => seconds / (reference[round] as number));
}

/**
 * The largest distance of two lists of numbers, or of what they begin with; infinite when they differ in length or
 * hold a NaN anywhere.
 */
export function largestDifference(
  a: readonly number[],
  b: readonly number[],
  compared = Number.POSITIVE_INFINITY,
): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  const differences = a.map((value, i) => Math.abs(value - (b[i] as number)));
  return differences.some(Number.isNaN)
    ? Number.POSITIVE_INFINITY
    : Math.max(0, ...differences.slice(0, compared));
}
