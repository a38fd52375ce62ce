import { tf } from "./tf.js";

/**
 * Two small computations that every training step rests on and that a half-working backend gets wrong:
 * a matrix product and the gradient of a gather (an embedding's).
 *
 * @throws {Error} naming what came out instead
 */
export async function selfTest(): Promise<void> {
  await expectValues("a matrix product", [19, 22, 43, 50], () =>
    tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])),
  );
  await expectValues("the gradient of a gather", [1, 2, 0, 0, 6, 8], () =>
    tf.grad((table) => tf.mul(tf.gather(table, tf.tensor1d([2, 0, 2], "int32")), WEIGHTS()).sum())(
      tf.zeros([3, 2]),
    ),
  );
}

// Row 2 is gathered twice, so its gradient is the sum of two weights: [2, 3] + [4, 5].
const WEIGHTS = () => tf.tensor2d([2, 3, 1, 2, 4, 5], [3, 2]);

async function expectValues(what: string, expected: number[], compute: () => tf.Tensor): Promise<void> {
  const result = tf.tidy(compute);
  const actual = [...(await result.data())];
  result.dispose();
  if (expected.some((value, index) => value !== actual[index])) {
    throw new Error(`its self-test failed: ${what} gave [${actual}] where [${expected}] is right`);
  }
}
