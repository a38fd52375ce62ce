import { OptionError } from "../errors.js";
import { type NativeBackend, nativeBackend } from "./native.js";
import { philox } from "./philox.js";
import { type Tensor, type Tensor1D, tf } from "./tf.js";

/** `[2]` int32: a seed and a counter. The numbers drawn with a key follow from it and from nothing else. */
export type RandomKey = Tensor1D;

/**
 * A key for `statelessUniform` and `dropout`. As a tensor it can be an input of a compiled step: count on, and
 * each run of the step draws other numbers.
 *
 * @param seed    a whole number (its lowest 32 bits count): which experiment
 * @param counter a whole number (likewise): how often numbers were drawn before
 * @returns a tensor that the caller owns
 * @throws {OptionError} when one of them is not a whole number
 */
export function randomKey(seed: number, counter: number): RandomKey {
  for (const word of [seed, counter]) {
    if (Number.isSafeInteger(word)) continue;
    throw new OptionError(`a random key is made of whole numbers, not of ${word}`, {
      code: "backend/seed",
      value: word,
      hint: "Pass a seed such as 42 and a count such as the number of the step.",
    });
  }
  return tf.tensor1d([seed | 0, counter | 0], "int32");
}

/**
 * Uniform random numbers in [0, 1) that follow from a key: the same bits on every backend, compiled or not.
 *
 * TensorFlow's own operation draws them where its library is in use, so that a compiled step can contain it;
 * elsewhere the same generator runs on the host.
 *
 * @param shape  of the result
 * @param key    from `randomKey`
 * @param stream a whole number: draws of different streams with one key are independent of each other
 * @returns float32, multiples of 2⁻²³. The caller owns it.
 * @source Salmon et al. 2011 (Philox4x32-10); seeds are scrambled as in TensorFlow's `StatelessRandomUniform`
 */
export function statelessUniform<T extends Tensor>(shape: T["shape"], key: RandomKey, stream = 0): T {
  return tf.tidy(() => {
    const seed = stream === 0 ? key : tf.add(key, tf.tensor1d([offsetOf(stream), 0], "int32"));
    const native = nativeBackend();
    if (native) return uniformOf(native, shape, seed);
    const [first = 0, second = 0] = seed.dataSync();
    return tf.tensor(philoxUniform(tf.util.sizeFromShape(shape), first, second), shape);
  }) as T;
}

/**
 * Inverted dropout: each number becomes 0 with probability p, and those that stay grow so that the mean stays too.
 *
 * $$ y_i = \frac{x_i\, [u_i \ge p]}{1 - p}, \qquad u_i \sim \mathcal U[0, 1) \tag{DROP-1} $$
 *
 * Gradients flow through the numbers that stay. The same key and stream drop the same places again.
 *
 * @param x      any shape
 * @param rate   p in [0, 1); 0 gives x itself
 * @param stream tells apart the places of a model that draw with one key
 * @throws {OptionError} when the rate is outside [0, 1)
 * @source Srivastava et al. 2014
 */
export function dropout<T extends Tensor>(x: T, rate: number, key: RandomKey, stream: number): T {
  if (!(rate >= 0 && rate < 1)) {
    throw new OptionError(`a dropout rate must be at least 0 and below 1, not ${rate}`, {
      code: "backend/dropout-rate",
      value: rate,
      hint: "Pass the share of numbers to drop, such as 0.05.",
    });
  }
  if (rate === 0) return x;
  const scale = 1 / (1 - rate);
  const operation = tf.customGrad<T>((...args) => {
    const [input, save] = args as unknown as [T, tf.GradSaveFunc];
    const stays = tf.greaterEqual(statelessUniform<T>(x.shape, key, stream), rate);
    const through = (values: T, mask: Tensor): T => tf.mul(tf.mul(values, scale), tf.cast(mask, "float32"));
    save([stays]); // one byte a number
    return {
      value: through(input, stays),
      gradFunc: (dy: T, [mask]: Tensor[]) => tf.tidy(() => through(dy, mask as Tensor)),
    };
  });
  return operation(x);
}

/** Streams lie far apart on the circle of seeds: 2³² divided by the golden ratio. */
const offsetOf = (stream: number): number => Math.imul(stream, 0x9e3779b9);

function uniformOf(native: NativeBackend, shape: number[], seed: Tensor): Tensor {
  const { TF_ATTR_TYPE: type, TF_FLOAT, TF_INT32 } = native.binding;
  const attributes = [
    { name: "T", type, value: TF_INT32 },
    { name: "Tseed", type, value: TF_INT32 },
    { name: "dtype", type, value: TF_FLOAT },
  ];
  return native.executeSingleOutput("StatelessRandomUniform", attributes, [
    tf.tensor1d(shape, "int32"),
    seed,
  ]);
}

/** What scrambles the seeds, so that neighbouring ones give unrelated sequences. */
const SCRAMBLER = [0x3ec8f720, 0x02461e29];

/** As TensorFlow draws them: 23 bits of each word become the fraction of a number in [1, 2), less 1. */
function philoxUniform(count: number, seed: number, counter: number): Float32Array {
  // Both are sign-extended to 64 bits.
  const scrambled = philox([seed, seed >> 31, counter, counter >> 31], SCRAMBLER);
  const [key0 = 0, key1 = 0, high2 = 0, high3 = 0] = scrambled;
  const key = [key0, key1];
  const place = new Uint32Array([0, 0, high2, high3]);
  const values = new Float32Array(count);
  const words = new Uint32Array(4);
  for (let at = 0; at < count; at += 4) {
    place[0] = at / 4;
    philox(place, key, words);
    for (let i = 0; i < 4 && at + i < count; i++) {
      values[at + i] = ((words[i] as number) & 0x7fffff) / 0x800000;
    }
  }
  return values;
}
