import { type Tensor, tf } from "../backend/tf.js";

/** Reads scalars into numbers and frees them. */
export async function readScalars<Name extends string>(
  scalars: Record<Name, Tensor>,
): Promise<Record<Name, number>> {
  try {
    const entries = Object.entries<Tensor>(scalars);
    const values = await Promise.all(entries.map(([, scalar]) => scalar.data()));
    return Object.fromEntries(entries.map(([name], i) => [name, values[i]?.[0] ?? Number.NaN])) as Record<
      Name,
      number
    >;
  } finally {
    tf.dispose(scalars);
  }
}
