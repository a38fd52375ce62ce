import { type Tensor2D, type Tensor4D, tf } from "../backend/tf.js";
import { causalMask, keyMask } from "./attention.js";
import type { Decoder } from "./decoder.js";
import type { PaddedPrompts } from "./prompts.js";
import type { Memory } from "./self-attention.js";

/** The shortest window. Windows are powers of two, so that few different steps must be compiled. */
const SHORTEST_WINDOW = 64;

/** A batch of sequences under way: computes each token once and remembers its keys and values. */
export class Session {
  /** Empty before the prompts are computed; then the last `#window` tokens, the newest at the end. */
  #memory: Memory[] = [];
  #window: number;
  /** How many tokens of each sequence are remembered. */
  readonly #lengths: number[];

  /**
   * @param expected how many tokens will probably be asked for; more only take a longer window
   */
  constructor(
    private readonly decoder: Decoder,
    private readonly padded: PaddedPrompts,
    expected: number,
  ) {
    this.#lengths = padded.prompts.map((prompt) => prompt.length);
    this.#window = SHORTEST_WINDOW;
    while (this.#window < padded.time + Math.min(expected, 4 * SHORTEST_WINDOW)) this.#window *= 2;
  }

  /**
   * Logits of the token after the last one of each sequence.
   *
   * @param latest the token that each sequence was extended by since the last call; the first call computes the
   *   prompts instead
   */
  async next(latest: number[]): Promise<Float32Array[]> {
    const logits = this.#memory.length === 0 ? this.#computePrompts() : this.#computeToken(latest);
    const values = (await logits.data()) as Float32Array;
    logits.dispose();
    const { vocabSize } = this.decoder.config;
    return latest.map((_, row) => values.subarray(row * vocabSize, (row + 1) * vocabSize));
  }

  dispose(): void {
    this.#replace([]);
  }

  #computePrompts(): Tensor2D {
    const { tokenIds, positions, segments, time, prompts } = this.padded;
    const { layers, hiddenSize } = this.decoder.config;
    const memory: Memory[] = Array.from({ length: layers }, () => ({}));
    const isFilled = prompts.some((prompt) => prompt.length < time);
    const logits = tf.tidy(() => {
      const mask = causalMask(time, isFilled ? { segments: int(segments) } : {});
      const hidden = this.decoder.pass({ tokenIds: int(tokenIds), positions: int(positions), mask, memory });
      const last = tf.slice(hidden, [0, time - 1, 0], [-1, 1, hiddenSize]);
      for (const block of memory) widen(block, this.#window - time);
      return this.decoder.project(tf.squeeze(last, [1]));
    });
    this.#replace(memory);
    return logits;
  }

  #computeToken(latest: number[]): Tensor2D {
    this.#makeRoom();
    const lastPosition = this.decoder.config.contextLength - 1; // where answers that have ended wait for the others
    const inputs = tf.tidy(() => ({
      tokenIds: int(latest.map((token) => [token])),
      positions: int(this.#lengths.map((length) => [Math.min(length, lastPosition)])),
      mask: keyMask(
        this.#window + 1,
        this.#lengths.map((length) => length + 1),
      ),
    }));
    try {
      const { logits, memory } = this.decoder.step({ ...inputs, memory: this.#memory });
      this.#replace(memory);
      this.#lengths.forEach((length, row) => {
        this.#lengths[row] = length + 1;
      });
      return logits;
    } finally {
      tf.dispose(inputs);
    }
  }

  /** Doubles the window before a token would fall out of it. */
  #makeRoom(): void {
    if (Math.max(...this.#lengths) < this.#window) return;
    const memory = this.#memory.map((block) => ({ ...block }));
    tf.tidy(() => {
      for (const block of memory) widen(block, this.#window);
    });
    this.#window *= 2;
    this.#replace(memory);
  }

  #replace(memory: Memory[]): void {
    for (const { keys, values } of this.#memory) {
      keys?.dispose();
      values?.dispose();
    }
    this.#memory = memory;
  }
}

const int = (rows: number[][]): Tensor2D => tf.tensor2d(rows, undefined, "int32");

/** Puts room in front of what a block remembers. The new tensors outlive the scope. */
function widen(block: Memory, by: number): void {
  const before = (x?: Tensor4D) =>
    x &&
    tf.keep(
      tf.pad(x, [
        [0, 0],
        [0, 0],
        [by, 0],
        [0, 0],
      ]),
    );
  block.keys = before(block.keys);
  block.values = before(block.values);
}
