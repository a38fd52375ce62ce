/** One number for a reader: four significant digits, no exponent where a plain number is as short. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "-∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e9) return shortExponent(value, 2);
  return value.toFixed(decimalsFor(size));
}

/**
 * A whole column of numbers with the same number of decimals, so that they line up by the point.
 * Columns that span more than five orders of magnitude are written with exponents instead.
 */
export function formatColumn(values: readonly number[]): string[] {
  const finite = values.filter(Number.isFinite);
  if (finite.every(Number.isInteger)) return values.map(formatNumber);
  const sizes = finite.map(Math.abs).filter((size) => size > 0);
  const largest = sizes.reduce((a, b) => Math.max(a, b), 0);
  const smallest = sizes.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const scattered = largest < 1e-3 || largest >= 1e9 || (smallest < 1e-4 && largest / smallest > 1e5);
  if (scattered) return values.map((value) => (value === 0 ? "0" : exponent(value)));
  const decimals = decimalsFor(largest);
  return values.map((value) => (Number.isFinite(value) ? value.toFixed(decimals) : formatNumber(value)));
}

const decimalsFor = (size: number): number =>
  size === 0 ? 0 : Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(size))));

const exponent = (value: number): string =>
  Number.isFinite(value) ? value.toExponential(2) : formatNumber(value);

/** `3e-5` rather than `3.00e-5`. */
const shortExponent = (value: number, digits: number): string =>
  value.toExponential(digits).replace(/\.?0+e/, "e");
