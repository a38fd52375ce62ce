import { PosttrainError, ShapeError } from "../errors.js";
import { type Tensor, tf } from "./tf.js";

/** Numbers in any form: a tensor, a number, or arrays of numbers nested to any depth. */
export type Numbers = Tensor | number | boolean | ArrayLike<number> | readonly Numbers[];

/** Two values that differ by more than was allowed. `value` holds the pair at the largest difference. */
export class CheckError extends PosttrainError {}

/** What `check` found. It shows itself in a notebook. */
export class CheckResult {
  readonly largestDifference: number;
  readonly tolerance: number;

  constructor(largestDifference: number, tolerance: number) {
    this.largestDifference = largestDifference;
    this.tolerance = tolerance;
  }

  toString(): string {
    const { largestDifference: largest, tolerance } = this;
    return `✓ equal within ${tolerance} (largest difference ${brief(largest)})`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this.toString() };
  }
}

/**
 * Checks that two values are equal element by element, so that a notebook's cell fails when its claim is false.
 *
 * $$ \max_i |a_i - e_i| \le \text{tolerance} $$
 *
 * NaN equals only NaN, and an infinity only itself. The tensors stay the caller's.
 *
 * @param actual    what was computed
 * @param expected  what it should be, of the same shape; a tensor, a number or nested arrays
 * @param tolerance largest difference allowed, in the unit of the values
 * @default tolerance 1e-6
 * @returns a result that shows itself: `✓ equal within 1e-6 (largest difference 3.1e-8)`
 * @throws {CheckError} naming the largest difference and where it is
 * @throws {ShapeError} when the two shapes differ, or an array is ragged
 */
export function check(actual: Numbers, expected: Numbers, tolerance = 1e-6): CheckResult {
  const a = flatten(actual, "actual");
  const e = flatten(expected, "expected");
  if (a.shape.join() !== e.shape.join()) {
    throw new ShapeError(`actual has shape [${a.shape}] but expected has shape [${e.shape}]`, {
      code: "backend/check-shape",
      value: { actual: a.shape, expected: e.shape },
      hint: "check compares element by element and never broadcasts: reshape one of the two.",
    });
  }

  let largest = 0;
  let at = 0;
  for (const [index, value] of a.values.entries()) {
    const difference = distance(value, e.values[index] as number);
    if (difference > largest) [largest, at] = [difference, index];
  }
  if (largest <= tolerance) return new CheckResult(largest, tolerance);

  const [found, wanted] = [a.values[at], e.values[at]];
  const place = a.shape.length ? ` at [${unravel(at, a.shape)}]` : "";
  throw new CheckError(
    `not equal within ${tolerance}: the largest difference is ${brief(largest)}${place}, ${found} instead of ${wanted}`,
    {
      code: "backend/check",
      value: { actual: found, expected: wanted },
      hint: "float32 keeps about 7 digits: pass a larger tolerance only if the values are larger than 1 or long sums.",
    },
  );
}

interface Flat {
  shape: number[];
  values: number[];
}

function flatten(numbers: Numbers, side: string): Flat {
  if (typeof numbers === "number" || typeof numbers === "boolean")
    return { shape: [], values: [Number(numbers)] };
  if (numbers instanceof tf.Tensor)
    return { shape: numbers.shape, values: Array.from(numbers.dataSync(), Number) };
  const rows = Array.from(numbers as ArrayLike<Numbers>, (row) => flatten(row, side));
  const inner = rows[0]?.shape ?? [];
  const odd = rows.findIndex((row) => row.shape.join() !== inner.join());
  if (odd > 0) {
    throw new ShapeError(
      `${side} is ragged: row 0 has shape [${inner}] but row ${odd} has [${rows[odd]?.shape}]`,
      {
        code: "backend/check-shape",
        value: numbers,
        hint: "Every row of a nested array must have the same length.",
      },
    );
  }
  return { shape: [rows.length, ...inner], values: rows.flatMap((row) => row.values) };
}

function distance(a: number, b: number): number {
  if (Object.is(a, b) || a === b) return 0;
  const difference = Math.abs(a - b);
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
}

function unravel(index: number, shape: readonly number[]): number[] {
  let rest = index;
  return shape.map((_, axis) => {
    const stride = shape.slice(axis + 1).reduce((size, length) => size * length, 1);
    const position = Math.floor(rest / stride);
    rest %= stride;
    return position;
  });
}

const brief = (x: number): string => (x === 0 ? "0" : Number(x.toPrecision(2)).toString());
