import { type Tensor2D, tf } from "../backend/tf.js";
import { causalMask } from "./attention.js";
import type { Decoder } from "./decoder.js";
import type { PaddedPrompts } from "./prompts.js";
import type { Memory } from "./self-attention.js";

/** A batch of sequences under way: computes each token once and remembers its keys and values. */
export class Session {
  #memory: Memory[];
  /** How many tokens of each sequence have been computed, the filling included. */
  #past = 0;
  readonly #segments: number[][];
  readonly #isFilled: boolean;

  constructor(
    private readonly decoder: Decoder,
    private readonly padded: PaddedPrompts,
  ) {
    this.#memory = Array.from({ length: decoder.config.layers }, () => ({}));
    this.#segments = padded.segments.map((row) => [...row]);
    this.#isFilled = padded.segments.some((row) => row.includes(0));
  }

  /**
   * Logits of the token after the last one of each sequence.
   *
   * @param latest the token that each sequence was extended by since the last call; ignored in the first,
   *   which computes the prompts
   */
  async next(latest: number[]): Promise<Float32Array[]> {
    const isFirst = this.#past === 0;
    const { tokenIds, positions } = isFirst ? this.padded : this.#extension(latest);
    const before = this.#memory;
    const memory = before.map((kept) => ({ ...kept }));
    const logits = tf.tidy(() => {
      const last = this.#pass(tokenIds, positions, memory);
      for (const { keys, values } of memory) for (const tensor of [keys, values]) if (tensor) tf.keep(tensor);
      return this.decoder.project(last);
    });
    this.#memory = memory;
    this.#past += tokenIds[0]?.length ?? 0;
    disposeAll(before);
    const { vocabSize } = this.decoder.config;
    const all = (await logits.data()) as Float32Array;
    logits.dispose();
    return tokenIds.map((_, row) => all.subarray(row * vocabSize, (row + 1) * vocabSize));
  }

  dispose(): void {
    disposeAll(this.#memory);
    this.#memory = [];
  }

  #extension(latest: number[]): { tokenIds: number[][]; positions: number[][] } {
    for (const row of this.#segments) row.push(1);
    const { positions } = this.padded;
    const grown = this.#past - this.padded.time;
    const lastPosition = this.decoder.config.contextLength - 1; // where answers that have ended wait for the others
    return {
      tokenIds: latest.map((token) => [token]),
      positions: positions.map((row) => [Math.min((row.at(-1) ?? 0) + grown + 1, lastPosition)]),
    };
  }

  /** The hidden states of the last token, `[batch, hidden]`. */
  #pass(tokenIds: number[][], positions: number[][], memory: Memory[]): Tensor2D {
    const [batch, time] = [tokenIds.length, tokenIds[0]?.length ?? 0];
    const int = (rows: number[][]) => tf.tensor2d(rows, undefined, "int32");
    const segments = this.#isFilled ? int(this.#segments) : undefined;
    const hidden = this.decoder.pass({
      tokenIds: int(tokenIds),
      positions: int(positions),
      mask: causalMask(time, { past: this.#past, segments }),
      memory,
    });
    const { hiddenSize } = this.decoder.config;
    return tf.reshape(tf.slice(hidden, [0, time - 1, 0], [batch, 1, hiddenSize]), [batch, hiddenSize]);
  }
}

const disposeAll = (memory: Memory[]): void => {
  for (const { keys, values } of memory) tf.dispose([keys, values].filter((tensor) => tensor !== undefined));
};
