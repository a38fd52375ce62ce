import { check, Random, type Tensor, tf, useBackend } from "posttrain/backend";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasNative } from "./compile/native.js";

let tensors: number;
beforeAll(async () => {
  await useBackend("wasm");
  tensors = tf.memory().numTensors;
});
afterAll(() => {
  expect(tf.memory().numTensors, "tensors left behind").toBe(tensors);
});

/** Computes on wasm and on plain JavaScript, from the same seeded inputs. */
async function sameOnBoth(compute: (random: (...shape: number[]) => Tensor) => Tensor) {
  const results: { values: unknown; shape: number[] }[] = [];
  for (const name of ["wasm", "cpu"] as const) {
    await useBackend(name);
    const source = new Random(1);
    const result = tf.tidy(() =>
      compute((...shape) =>
        tf.tensor(
          Array.from({ length: tf.util.sizeFromShape(shape) }, () => source.normal()),
          shape,
        ),
      ),
    );
    results.push({ values: result.arraySync(), shape: result.shape });
    result.dispose();
  }
  const [wasm, plain] = results;
  expect(wasm?.shape).toEqual(plain?.shape);
  return check(wasm?.values as number[], plain?.values as number[], 1e-5);
}

describe("matrix products on wasm", () => {
  it.each([
    { a: [3, 5], b: [5, 2] },
    { a: [2, 3, 5], b: [2, 5, 4] },
    { a: [2, 3, 7, 5], b: [2, 3, 5, 4] },
    { a: [2, 3, 5], b: [1, 5, 4] },
    { a: [1, 3, 5], b: [2, 5, 4] },
    { a: [1, 1, 3, 5], b: [2, 5, 4] },
    { a: [70, 33], b: [33, 65] },
  ])("equal plain JavaScript's for $a × $b, transposed or not", async ({ a, b }) => {
    const swap = (shape: number[]) => [...shape.slice(0, -2), shape.at(-1) ?? 0, shape.at(-2) ?? 0];
    for (const [transposeA, transposeB] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]) {
      await sameOnBoth((random) =>
        tf.matMul(
          random(...(transposeA ? swap(a) : a)),
          random(...(transposeB ? swap(b) : b)),
          transposeA,
          transposeB,
        ),
      );
    }
  });

  it("broadcast batch axes on either side", async () => {
    await useBackend("wasm");
    const product = tf.tidy(() => {
      const [a, b] = [tf.range(0, 12).reshape([2, 1, 2, 3]), tf.range(0, 18).reshape([1, 3, 3, 2])];
      const repeated = tf.matMul(tf.tile(a, [1, 3, 1, 1]), tf.tile(b, [2, 1, 1, 1]));
      return tf.sub(tf.matMul(a, b), repeated).arraySync();
    });
    check(
      product as number[][][][],
      tf.tidy(() => tf.zeros([2, 3, 2, 2]).arraySync() as number[][][][]),
    );
  });

  it("do not mistake a reshaped right side for the one it was made from", async () => {
    await sameOnBoth((random) => {
      const weights = random(4, 6);
      const first = tf.matMul(random(6, 4), weights);
      const second = tf.matMul(random(6, 6), tf.reshape(weights, [6, 4]));
      return tf.concat([tf.reshape(first, [-1]), tf.reshape(second, [-1])]);
    });
  });

  it("have gradients equal to plain JavaScript's", async () => {
    await sameOnBoth((random) => {
      const [x, w] = [random(2, 3, 5), random(5, 4)];
      const [dx, dw] = tf.grads((a, b) =>
        tf.square(tf.matMul(tf.reshape(a as Tensor, [6, 5]), b as Tensor)).sum(),
      )([x, w]);
      return tf.concat([tf.reshape(dx as Tensor, [-1]), tf.reshape(dw as Tensor, [-1])]);
    });
  });
});

describe("transposes on wasm", () => {
  it.each([
    [[1, 0]],
    [[0, 2, 1]],
    [[2, 1, 0]],
    [[0, 2, 1, 3]],
    [[3, 0, 2, 1]],
    [[1, 0, 2, 4, 3]],
    [[4, 3, 2, 1, 0]],
  ])("equal plain JavaScript's for axes %j", async (axes) => {
    await sameOnBoth((random) => tf.transpose(random(...[3, 4, 2, 5, 6].slice(0, axes.length)), axes));
  });

  it("keep whole numbers and truth values", async () => {
    await sameOnBoth((random) => tf.transpose(tf.cast(tf.mul(random(2, 3, 4), 10), "int32"), [2, 0, 1]));
    await sameOnBoth((random) => tf.transpose(tf.greater(random(2, 3, 4), 0), [2, 0, 1]));
  });
});

describe("sums on wasm", () => {
  it.each([
    [0],
    [1],
    [-1],
    [[0, 1]],
    [[1, 0]],
    [[0, 2]],
    [[0, 1, 2]],
  ])("equal plain JavaScript's over axes %j, with and without the axes kept", async (axes) => {
    await sameOnBoth((random) => tf.sum(random(3, 4, 5), axes));
    await sameOnBoth((random) => tf.sum(random(3, 4, 5), axes, true));
  });

  it("equal plain JavaScript's over everything, over nothing at all, and of whole numbers", async () => {
    await sameOnBoth((random) => tf.sum(random(3, 4)));
    await sameOnBoth((random) => tf.sum(tf.slice(random(3, 4), [0, 0], [0, 4]), 0));
    await sameOnBoth((random) => tf.sum(tf.cast(tf.mul(random(3, 4), 10), "int32"), 0));
  });
});

describe("repeated tensors on wasm", () => {
  it("equal plain JavaScript's for one number and for several", async () => {
    await sameOnBoth((random) => tf.tile(random(1, 1), [3, 4]));
    await sameOnBoth((random) => tf.tile(random(2, 1), [3, 4]));
    await sameOnBoth((random) => tf.tile(tf.cast(tf.mul(random(1), 100), "int32"), [5]));
    await sameOnBoth((random) => tf.where(tf.greater(random(), 0), random(2, 3), 0));
  });
});

describe("gathers on wasm", () => {
  const ids = (values: number[], shape: number[]) => tf.tensor(values, shape, "int32");

  it("take rows, and with batch dimensions take them within each batch", async () => {
    await sameOnBoth((random) => tf.gather(random(5, 3), ids([4, 0, 4, 2], [2, 2])));
    await sameOnBoth((random) => tf.gather(random(2, 5), ids([4, 1, 0, 3, 3, 2], [2, 3]), 1, 1));
    await sameOnBoth((random) => tf.gather(random(2, 5, 3), ids([4, 1, 0, 3], [2, 2]), 1, 1));
    await sameOnBoth((random) => tf.gather(random(2, 3, 5), ids([4, 1, 0, 3], [2, 2]), 2, 1));
    await sameOnBoth((random) => tf.gather(random(2, 3, 5), ids([4, 1, 0, 3, 2, 2], [2, 3, 1]), 2, 2));
  });

  it("pass their gradient back to the rows they took, summed where a row was taken twice", async () => {
    await sameOnBoth((random) => {
      const weights = random(2, 2, 3);
      return tf.grad((table) => tf.mul(tf.gather(table, ids([4, 0, 4, 2], [2, 2])), weights).sum())(
        random(5, 3),
      );
    });
  });

  it("leave out segments that do not exist", async () => {
    await useBackend("wasm");
    const sums = tf.tidy(() =>
      tf
        .unsortedSegmentSum(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]), tf.tensor1d([1, -1, 7], "int32"), 3)
        .arraySync(),
    );
    check(sums as number[][], [
      [0, 0],
      [1, 2],
      [0, 0],
    ]);
  });

  it("refuse an index outside the axis", async () => {
    await useBackend("wasm");
    const [table, index] = [tf.ones([2, 5]), ids([0, 5], [2, 1])];
    expect(() => tf.gather(table, index, 1, 1)).toThrow(/index 5 is not in \[0, 4\]/);
    tf.dispose([table, index]);
  });
});

const LARGE = [4096, 256] as const; // 4 MiB

interface Heap {
  readonly wasm: { readonly HEAPU8: Uint8Array };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
}

/** Takes what is free of the heap, but for less than 2 MiB, so that the next large tensor makes it grow. */
function fillHeap(): Tensor[] {
  const { wasm, dataIdMap } = tf.backend() as unknown as Heap;
  const fillers: Tensor[] = [];
  let left = Number.POSITIVE_INFINITY;
  while (left >= 2 ** 21) {
    const filler = tf.zeros([2 ** 18]);
    fillers.push(filler);
    left = wasm.HEAPU8.length - (dataIdMap.get(filler.dataId).memoryOffset + 2 ** 20);
  }
  return fillers;
}

/** Computes from what was made on wasm, and then from the same made elsewhere. */
async function sameFrom(elsewhere: "native" | "cpu", compute: (x: Tensor) => Tensor) {
  const make = () => tf.tidy(() => tf.reshape(tf.mod(tf.range(0, LARGE[0] * LARGE[1]), 7), [...LARGE]));
  await useBackend(elsewhere);
  const theirs = make();
  await useBackend("wasm");
  const expected = tf.tidy(() => compute(make()));
  const fillers = fillHeap();
  try {
    const gap = tf.tidy(() => tf.max(tf.abs(tf.sub(compute(theirs), expected))).dataSync()[0]);
    expect(gap).toBe(0);
  } finally {
    tf.dispose([theirs, expected, ...fillers]);
  }
}

describe("tensors made on another backend may grow the heap on their way to wasm", () => {
  it("from TensorFlow's library", async ({ skip }) => {
    if (!hasNative) return skip("TensorFlow's library is not here");
    await sameFrom("native", (x) => tf.matMul(tf.ones([64, 256]), x, false, true));
  });

  it.each<[string, (x: Tensor) => Tensor]>([
    ["summed", (x) => tf.sum(x, 0)],
    ["gathered with batch dimensions", (x) => tf.gather(x, tf.zeros([4096, 1], "int32"), 1, 1)],
    ["summed by segments", (x) => tf.unsortedSegmentSum(x, tf.zeros([4096], "int32"), 2)],
  ])("from plain JavaScript, %s", (_, compute) => sameFrom("cpu", compute));
});
