import {
  check,
  compileStep,
  nativeBackend,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tf,
  useBackend,
} from "posttrain/backend";
import { beforeAll, describe, expect, it } from "vitest";
import { freeing, hasNative } from "./native.js";

type Inputs = {
  /** `[2, 3]`, of either sign */
  x: Tensor2D;
  /** `[2, 3]` */
  y: Tensor2D;
  /** `[2, 3]`, positive */
  p: Tensor2D;
  /** `[2, 3]` truth values */
  b: Tensor2D;
  /** `[3]` int32 */
  i: Tensor1D;
  /** `[2, 3]` int32 */
  m: Tensor2D;
  /** `[2, 3, 2]` */
  t: Tensor3D;
};
type Operation = (inputs: Inputs) => Tensor;

const pairs = [
  [0, 1],
  [1, 2],
];
const native = (name: string, inputs: Tensor[], types: Record<string, number>): Tensor => {
  const backend = nativeBackend();
  const type = backend?.binding.TF_ATTR_TYPE as number;
  const attributes = Object.entries(types).map(([key, value]) => ({ name: key, type, value }));
  return backend?.executeSingleOutput(name, attributes, inputs) as Tensor;
};

const UNARY = [
  "abs",
  "exp",
  "neg",
  "square",
  "relu",
  "sigmoid",
  "softplus",
  "tanh",
  "erf",
  "sign",
  "floor",
  "ceil",
  "round",
  "reciprocal",
  "elu",
  "selu",
  "sin",
  "cos",
  "expm1",
  "logSigmoid",
  "softmax",
  "logSoftmax",
  "step",
  "isNaN",
  "isFinite",
  "isInf",
  "logSumExp",
  "sum",
  "mean",
  "max",
  "min",
  "prod",
  "argMax",
  "argMin",
  "onesLike",
  "zerosLike",
  "norm",
] as const;
const POSITIVE = ["sqrt", "rsqrt", "log", "log1p"] as const;
const BINARY = [
  "add",
  "sub",
  "mul",
  "div",
  "maximum",
  "minimum",
  "squaredDifference",
  "floorDiv",
  "mod",
  "divNoNan",
  "equal",
  "notEqual",
  "less",
  "lessEqual",
  "greater",
  "greaterEqual",
] as const;

const OPERATIONS: Record<string, Operation> = {
  ...Object.fromEntries(
    UNARY.map((name) => [name, ({ x }: Inputs) => (tf[name] as (x: Tensor) => Tensor)(x)]),
  ),
  ...Object.fromEntries(POSITIVE.map((name) => [name, ({ p }: Inputs) => tf[name](p)])),
  ...Object.fromEntries(BINARY.map((name) => [name, ({ x, y }: Inputs) => tf[name](x, y)])),
  pow: ({ p, y }) => tf.pow(p, y),
  any: ({ b }) => tf.any(b, 1),
  all: ({ b }) => tf.all(b, 1),
  logic: ({ b }) => tf.logicalOr(tf.logicalAnd(b, tf.logicalNot(b)), tf.logicalXor(b, b)),
  where: ({ b, x, y }) => tf.where(b, x, y),
  clipByValue: ({ x }) => tf.clipByValue(x, -1, 1),
  "sum over an axis": ({ x }) => tf.sum(x, -1, true),
  "mean over an axis": ({ x }) => tf.mean(x, 0),
  moments: ({ x }) => tf.moments(x, -1).variance,
  cumsum: ({ x }) => tf.cumsum(x, 1, true, true),
  topk: ({ x }) => tf.topk(x, 2).values,
  "topk's indices": ({ x }) => tf.topk(x, 2).indices,
  gather: ({ x, i }) => tf.gather(x, tf.cast(tf.minimum(i, 1), "int32")),
  "gather along an axis": ({ x, i }) => tf.gather(x, i, 1),
  "gather within a batch": ({ t, m }) => tf.gather(t, m, 1, 1),
  gatherND: ({ x }) => tf.gatherND(x, tf.tensor2d(pairs, [2, 2], "int32")),
  scatterND: ({ y }) => tf.scatterND(tf.tensor2d([[0], [2]], [2, 1], "int32"), y, [4, 3]),
  oneHot: ({ i }) => tf.oneHot(i, 4),
  range: ({ i }) => tf.add(tf.range(0, 3, 1, "int32"), i),
  eye: ({ x }) => tf.matMul(x, tf.eye(3)),
  fill: ({ x }) => tf.add(x, tf.fill([2, 3], 7)),
  slice: ({ x }) => tf.slice(x, [0, 1], [2, 2]),
  stridedSlice: ({ x }) => tf.stridedSlice(x, [0, 0], [2, 3], [1, 2]),
  pad: ({ x }) =>
    tf.pad(
      x,
      [
        [1, 0],
        [0, 2],
      ],
      7,
    ),
  concat: ({ x, y }) => tf.concat([x, y], 1),
  stack: ({ x, y }) => tf.stack([x, y], 1),
  unstack: ({ x }) => tf.unstack(x, 1)[2] as Tensor,
  split: ({ x }) => tf.split(x, [1, 2], 1)[1] as Tensor,
  tile: ({ x }) => tf.tile(x, [2, 1]),
  reverse: ({ x }) => tf.reverse(x, 1),
  transpose: ({ t }) => tf.transpose(t, [2, 0, 1]),
  reshape: ({ x }) => tf.reshape(x, [3, -1]),
  expandDims: ({ x }) => tf.squeeze(tf.expandDims(tf.expandDims(x, 1), 0), [0]),
  broadcastTo: ({ x }) => tf.broadcastTo(tf.expandDims(x, 0), [2, 2, 3]),
  "cast to int32": ({ x }) => tf.cast(x, "int32"),
  "cast to bool": ({ x }) => tf.cast(x, "bool"),
  addN: ({ x, y }) => tf.addN([x, y, x]),
  unsortedSegmentSum: ({ x }) => tf.unsortedSegmentSum(x, tf.tensor1d([1, 1], "int32"), 3),
  matMul: ({ x, y }) => tf.matMul(x, y, false, true),
  "matMul of batches": ({ t }) => tf.matMul(t, t, true, false),
  einsum: ({ x, y }) => tf.einsum("ij,kj->ik", x, y),
  MulNoNan: ({ x, y }) => native("MulNoNan", [x, y], { T: 1 }),
  Roll: ({ x }) =>
    native("Roll", [x, tf.scalar(1, "int32"), tf.scalar(1, "int32")], { T: 1, Tshift: 3, Taxis: 3 }),
};

/** Functions of x whose gradients are compared too. */
const DIFFERENTIABLE: Record<string, (x: Tensor2D, inputs: Inputs) => Tensor> = {
  softmax: (x, { y }) => tf.mul(tf.softmax(x), y),
  logSoftmax: (x, { y }) => tf.mul(tf.logSoftmax(x), y),
  gather: (x) => tf.square(tf.gather(x, tf.tensor1d([1, 0, 1], "int32"))),
  max: (x) => tf.max(x, 1),
  mean: (x) => tf.mean(tf.square(x), -1),
  transpose: (x, { y }) => tf.mul(tf.transpose(x), tf.transpose(y)),
  slice: (x) => tf.square(tf.slice(x, [0, 1], [2, 2])),
  concat: (x, { y }) => tf.square(tf.concat([x, y], 1)),
  pad: (x) =>
    tf.square(
      tf.pad(x, [
        [1, 1],
        [0, 0],
      ]),
    ),
  where: (x, { y }) => tf.where(tf.greater(y, 0), x, tf.square(x)),
  activations: (x) => tf.sigmoid(tf.tanh(tf.relu(tf.elu(x)))),
  cumsum: (x, { y }) => tf.mul(tf.cumsum(x, 1), y),
  clipByValue: (x) => tf.clipByValue(x, -1, 1),
  minimum: (x, { y }) => tf.minimum(x, y),
  div: (x, { y }) => tf.div(y, tf.add(tf.square(x), 1)),
  pow: (x) => tf.pow(tf.add(tf.square(x), 1), 0.5),
  tile: (x) => tf.square(tf.tile(x, [1, 2])),
  stack: (x, { y }) => tf.square(tf.stack([x, y])),
  split: (x) => tf.square(tf.split(x, 3, 1)[1] as Tensor),
  erf: (x) => tf.erf(x),
  logSumExp: (x) => tf.logSumExp(x, 1),
  matMul: (x, { y }) => tf.matMul(x, y, false, true),
};
for (const [name, fn] of Object.entries(DIFFERENTIABLE)) {
  OPERATIONS[`the gradient of ${name}`] = (inputs) =>
    tf.grad((x) => tf.sum(fn(x as Tensor2D, inputs)))(inputs.x);
}

describe.skipIf(!hasNative)("an operation compiled equals the eager one", () => {
  beforeAll(async () => {
    await useBackend("native");
  });

  it.each(Object.keys(OPERATIONS))("%s", (name) => {
    freeing(() => {
      const inputs: Inputs = {
        x: tf.tensor2d([
          [0.5, -1.25, 2],
          [3, 0.1, -0.4],
        ]),
        y: tf.tensor2d([
          [1, 2, 3],
          [0.5, -1, 2],
        ]),
        p: tf.tensor2d([
          [0.2, 0.3, 0.5],
          [1, 2, 0.4],
        ]),
        b: tf.tensor2d(
          [
            [1, 0, 1],
            [0, 0, 1],
          ],
          [2, 3],
          "bool",
        ),
        i: tf.tensor1d([1, 0, 2], "int32"),
        m: tf.tensor2d(
          [
            [0, 1, 2],
            [2, 1, 0],
          ],
          [2, 3],
          "int32",
        ),
        t: tf.tensor3d(
          Array.from({ length: 12 }, (_, i) => i - 5),
          [2, 3, 2],
        ),
      };
      const operation = OPERATIONS[name] as Operation;
      const step = compileStep((given: Inputs) => ({ result: operation(given) }));
      const { result } = step(inputs);
      const expected = operation(inputs);
      expect(result.shape).toEqual(expected.shape);
      expect(result.dtype).toBe(expected.dtype);
      check(result, expected);
      step.dispose();
    });
  });
});
