import type { NativeAttribute, NativeBinding, NativeTensor } from "../native.js";

const ELEMENTWISE = new Set(
  `Abs Add AddN AddV2 Cos Div DivNoNan Erf Exp Expm1 Log Log1p LogSoftmax Maximum Minimum Mul MulNoNan Neg RealDiv
   Reciprocal Relu Rsqrt Sigmoid Sign Sin Softmax Softplus Sqrt Square SquaredDifference Sub Tanh`.split(
    /\s+/,
  ),
);
const PRODUCTS = new Set(["BatchMatMulV2", "MatMul"]);

type Shape = readonly number[];

/** An input or output of an operation: its shape and type. */
export interface Typed {
  readonly shape: Shape;
  readonly dtype: number;
}

/**
 * Tensors of zeros in the place of the results that a trace would have to work for. A trace needs shapes, never
 * numbers, so that the costly operations with plain rules for their shapes, products above all, need not be computed.
 */
export class StandIns {
  readonly #binding: NativeBinding;
  /** All of them share this memory. It is never written to, so that the system need not even provide it. */
  #zeros = new Float32Array(0);

  constructor(binding: NativeBinding) {
    this.#binding = binding;
  }

  /** A stand-in for the result of an operation, if it is one that can do without. */
  of(
    operation: string,
    inputs: readonly Typed[],
    attributes: readonly NativeAttribute[],
  ): NativeTensor | undefined {
    const dtype = this.#binding.TF_FLOAT;
    if (inputs.some((input) => input.dtype !== dtype)) return undefined;
    const shapes = inputs.map(({ shape }) => shape);
    const shape = ELEMENTWISE.has(operation)
      ? shapes.reduce<Shape | undefined>(broadcast, [])
      : PRODUCTS.has(operation)
        ? product(shapes as [Shape, Shape], attributes)
        : undefined;
    if (!shape) return undefined;
    const size = shape.reduce((a, b) => a * b, 1);
    if (this.#zeros.length < size + PADDING)
      this.#zeros = new Float32Array(Math.max(2 * size, LARGE) + PADDING);
    const id = this.#binding.createTensor([...shape], dtype, this.#zeros.subarray(PADDING, PADDING + size));
    return { id, shape: [...shape], dtype };
  }
}

/**
 * TensorFlow shares memory that starts at a multiple of 64 bytes, and copies any other. Arrays that are large enough
 * to get pages of their own begin 16 bytes behind such a place.
 */
const PADDING = 12; // floats
const LARGE = 2 ** 23; // floats

/** The shape of an elementwise result, or nothing where TensorFlow has to say what is wrong. */
function broadcast(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (!a || !b) return undefined;
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const [one, other] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    if (one !== other && one !== 1 && other !== 1) return undefined;
    shape.push(one === 1 ? other : one);
  }
  return shape;
}

/** The shape of a product of matrices, or of batches of them. */
function product([a, b]: readonly [Shape, Shape], attributes: readonly NativeAttribute[]): Shape | undefined {
  const isSet = (...names: string[]) =>
    attributes.some(({ name, value }) => names.includes(name) && value === true);
  const [rows, inner] = matrix(a, isSet("adj_x", "transpose_a"));
  const [outer, columns] = matrix(b, isSet("adj_y", "transpose_b"));
  const batch = broadcast(a.slice(0, -2), b.slice(0, -2));
  if (inner !== outer || rows === undefined || columns === undefined) return undefined;
  return batch && [...batch, rows, columns];
}

const matrix = (shape: Shape, transposed: boolean): (number | undefined)[] =>
  transposed ? [shape.at(-1), shape.at(-2)] : [shape.at(-2), shape.at(-1)];
