import { readFileSync } from "node:fs";
import {
  MatrixError,
  qr,
  Random,
  singularValues,
  svd,
  type Tensor2D,
  tf,
  useBackend,
} from "posttrain/backend";
import { ShapeError } from "posttrain/errors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// golden/rank.json is written by golden/rank.py with numpy==2.4.6
const golden = JSON.parse(readFileSync(new URL("../golden/rank.json", import.meta.url), "utf8")) as {
  decompositions: {
    name: string;
    matrix: number[][];
    u: number[][];
    s: number[];
    v: number[][];
    q: number[][];
    r: number[][];
  }[];
};

const gaussian = (rows: number, columns: number, seed: number): Tensor2D => {
  const random = new Random(seed);
  return tf.tensor2d(
    Float32Array.from({ length: rows * columns }, () => random.normal()),
    [rows, columns],
  );
};
const distance = (a: tf.Tensor, b: tf.Tensor): number =>
  tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number);
const fromIdentity = (columns: Tensor2D): number =>
  tf.tidy(() => distance(tf.matMul(columns, columns, true), tf.eye(columns.shape[1])));

describe.each(["native", "cpu"] as const)("on the backend %s", (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
  });
  afterAll(async () => {
    await useBackend();
  });

  it.each(golden.decompositions)("svd equals NumPy's: $name", ({ matrix, u, s, v }) => {
    tf.tidy(() => {
      const found = svd(tf.tensor2d(matrix));
      expect(distance(found.s, tf.tensor1d(s))).toBeLessThan(1e-4);
      expect(distance(found.u, tf.tensor2d(u))).toBeLessThan(1e-4);
      expect(distance(found.v, tf.tensor2d(v))).toBeLessThan(1e-4);
      expect(distance(singularValues(tf.tensor2d(matrix)), tf.tensor1d(s))).toBeLessThan(1e-4);
    });
  });

  it.each(golden.decompositions)("qr equals NumPy's: $name", ({ matrix, q, r }) => {
    tf.tidy(() => {
      const found = qr(tf.tensor2d(matrix));
      expect(distance(found.q, tf.tensor2d(q))).toBeLessThan(1e-4);
      expect(distance(found.r, tf.tensor2d(r))).toBeLessThan(1e-4);
    });
  });

  it("gives orthonormal vectors and the matrix back, also when columns repeat or the matrix is zero", () => {
    tf.tidy(() => {
      const thin = gaussian(12, 3, 1);
      const repeated = tf.concat([thin, thin], 1); // rank 3 of 6
      for (const matrix of [repeated, tf.transpose(repeated), tf.zeros<tf.Rank.R2>([4, 3])]) {
        const { u, s, v } = svd(matrix);
        const { q, r } = qr(matrix);
        expect(distance(tf.matMul(tf.mul(u, s) as Tensor2D, v, false, true), matrix)).toBeLessThan(1e-5);
        expect(distance(tf.matMul(q, r), matrix)).toBeLessThan(1e-5);
        for (const vectors of [u, v, q]) expect(fromIdentity(vectors as Tensor2D)).toBeLessThan(1e-5);
      }
    });
  });

  it("gives a matrix and its scaled copy the same vectors, and a negated one the same left vectors", () => {
    tf.tidy(() => {
      const matrix = gaussian(7, 5, 2);
      const [one, scaled, negated] = [svd(matrix), svd(tf.mul(matrix, 3)), svd(tf.neg(matrix))];
      expect(distance(scaled.s, tf.mul(one.s, 3))).toBeLessThan(1e-4);
      expect(distance(scaled.u, one.u)).toBeLessThan(1e-4);
      expect(distance(negated.u, one.u)).toBeLessThan(1e-4);
      expect(distance(negated.v, tf.neg(one.v))).toBeLessThan(1e-4);
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses a matrix that holds %s, saying where", (value) => {
    const matrix = tf.tensor2d([1, 2, value, 4], [2, 2]);
    for (const decompose of [svd, qr, singularValues]) {
      expect(() => decompose(matrix)).toThrow(MatrixError);
      expect(() => decompose(matrix)).toThrow(`${value} at [1,0]`);
    }
    matrix.dispose();
  });

  it("refuses what is no matrix, and an empty one", () => {
    tf.tidy(() => {
      expect(() => svd(tf.zeros([3]) as unknown as Tensor2D)).toThrow(ShapeError);
      expect(() => qr(tf.zeros<tf.Rank.R2>([0, 3]))).toThrow(ShapeError);
    });
  });

  it("leaves nothing behind but what it returns", () => {
    const matrix = gaussian(6, 4, 3);
    const before = tf.memory().numTensors;
    const results = { matrix, ...svd(matrix), ...qr(matrix), values: singularValues(matrix) };
    expect(tf.memory().numTensors).toBe(before + 6);
    tf.dispose(results);
  });
});

it("decomposes a layer of SmolLM2's size, 1536 × 576, on TensorFlow's library", async () => {
  await useBackend("native");
  tf.tidy(() => {
    const matrix = gaussian(1536, 576, 4);
    const { u, s, v } = svd(matrix);
    expect(distance(tf.matMul(tf.mul(u, s) as Tensor2D, v, false, true), matrix)).toBeLessThan(1e-4);
    expect(distance(singularValues(matrix), s)).toBeLessThan(1e-3); // of about 60
  });
});
