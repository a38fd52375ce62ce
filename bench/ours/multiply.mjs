// @ts-check
import { tf } from "posttrain/backend";

/**
 * A turn is some products; its outcome is a corner of the last one.
 *
 * @param {import("../types.js").MultiplyTask} task
 * @returns {Promise<import("../types.js").RunTurn>}
 */
export async function prepareProduct({ rows, inner, columns }) {
  const x = wholeNumbers(rows, inner);
  const w = wholeNumbers(columns, inner);
  return async (count) => {
    for (let i = 1; i < count; i++) tf.dispose(tf.matMul(x, w, false, true));
    const corner = tf.tidy(() => tf.slice(tf.matMul(x, w, false, true), [0, 0], [4, 4]));
    const outcome = [...(await corner.data())];
    corner.dispose();
    return outcome;
  };
}

/**
 * −3 … 3 over and over, row by row.
 *
 * @param {number} rows
 * @param {number} columns
 */
const wholeNumbers = (rows, columns) =>
  tf.tidy(() => {
    const places = tf.reshape(tf.range(0, rows * columns, 1, "int32"), [rows, columns]);
    return tf.cast(tf.sub(tf.mod(places, tf.scalar(7, "int32")), tf.scalar(3, "int32")), "float32");
  });
