import { OptionError } from "../errors.js";

/** The four 32-bit words of a generator: plain data, so that a checkpoint can hold it. */
export type RandomState = readonly [number, number, number, number];

/**
 * Seeded pseudo-random numbers on the host (xoshiro128**, Blackman & Vigna 2018), seeded through splitmix32.
 * All randomness of the library comes from one of these, never from `Math.random`.
 */
export class Random {
  readonly #words: Uint32Array;

  /**
   * @param seed a whole number (its lowest 32 bits count), or the `state()` of another generator
   * @throws {OptionError} when the seed is not a whole number, or the state is all zeros
   */
  constructor(seed: number | RandomState) {
    const words = typeof seed === "number" ? splitMix(seed) : Uint32Array.from(seed ?? []);
    const usable =
      typeof seed === "number" ? Number.isSafeInteger(seed) : words.length === 4 && words.some(Boolean);
    if (!usable) {
      throw new OptionError(
        `${typeof seed === "number" ? seed : JSON.stringify(seed)} cannot seed a generator`,
        {
          code: "backend/seed",
          value: seed,
          hint: "Pass a whole number such as 42, or what `random.state()` returned.",
        },
      );
    }
    this.#words = words;
  }

  /** Uniform in [0, 1), 32 bits of resolution. */
  uniform(): number {
    return this.#next() / 0x1_0000_0000;
  }

  /** Uniform integer in [0, bound). */
  integer(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** Standard normal, by Box–Muller. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A new array with the same items in random order (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
    }
    return shuffled;
  }

  /** The state to resume from: `new Random(random.state())` continues with the same numbers. */
  state(): RandomState {
    const [a = 0, b = 0, c = 0, d = 0] = this.#words;
    return [a, b, c, d];
  }

  #next(): number {
    const s = this.#words;
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = s;
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const mixed2 = s2 ^ s0;
    const mixed3 = s3 ^ s1;
    s[1] = s1 ^ mixed2;
    s[0] = s0 ^ mixed3;
    s[2] = mixed2 ^ (s1 << 9);
    s[3] = rotateLeft(mixed3, 11);
    return result;
  }
}

const rotateLeft = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

function splitMix(seed: number): Uint32Array {
  let state = seed >>> 0;
  return Uint32Array.from({ length: 4 }, () => {
    state = (state + 0x9e3779b9) >>> 0;
    let word = state;
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return (word ^ (word >>> 15)) >>> 0;
  });
}
