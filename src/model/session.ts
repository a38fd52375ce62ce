import { type Tensor2D, type Tensor4D, tf } from "../backend/tf.js";
import { causalMask } from "./attention.js";
import { type ChosenTokens, chooseTokens } from "./choose-tokens.js";
import type { Decoder } from "./decoder.js";
import type { DecodingInput } from "./decoding-step.js";
import type { Memory } from "./memory.js";
import type { PaddedPrompts } from "./prompts.js";
import type { SamplingOptions } from "./sampling.js";
import { SamplingState } from "./sampling-state.js";

/** The shortest window. Windows are powers of two, so that few different steps must be compiled. */
const SHORTEST_WINDOW = 64;

export interface SessionOptions extends SamplingOptions {
  /** How many tokens will probably be asked for; more only take a longer window. */
  maxNewTokens: number;
  /** Of the sequence in row 0; row i has seed + i. */
  seed: number;
  logProbs: boolean;
  compile?: DecodingInput["compile"];
}

/** The next token of each sequence, on the host. */
export interface NextTokens {
  /** −1 where the logits were not finite. */
  tokens: ArrayLike<number>;
  /** Under the model's own distribution, in nats; empty unless asked for. */
  logProbs: ArrayLike<number>;
}

/** A batch of sequences under way: computes each token once and remembers its keys and values. */
export class Session {
  /** Empty before the prompts are computed. */
  #memory: Memory[] = [];
  #window: number;
  /** The place in the window that the next token takes. */
  #place: number;
  readonly #sampling: SamplingState;

  constructor(
    private readonly decoder: Decoder,
    private readonly padded: PaddedPrompts,
    private readonly options: SessionOptions,
  ) {
    const { time, prompts } = padded;
    this.#place = time;
    this.#window = SHORTEST_WINDOW;
    while (this.#window < time + Math.min(options.maxNewTokens, 4 * SHORTEST_WINDOW)) this.#window *= 2;
    this.#sampling = new SamplingState(prompts, decoder.config.vocabSize, options);
  }

  /**
   * Chooses the token after the last one of each sequence. Only the chosen tokens come to the host.
   *
   * @param latest the token that each sequence was extended by since the last call; the first call computes the
   *   prompts instead
   */
  async next(latest: readonly number[]): Promise<NextTokens> {
    const chosen = this.#memory.length === 0 ? this.#computePrompts() : this.#computeTokens(latest);
    const { tokens, logProbs } = chosen;
    try {
      if (!this.options.logProbs) return { tokens: await tokens.data(), logProbs: [] };
      const [ids, values] = await Promise.all([tokens.data(), logProbs.data()]);
      return { tokens: ids, logProbs: values };
    } finally {
      tf.dispose([tokens, logProbs]);
    }
  }

  dispose(): void {
    this.#sampling.dispose();
    this.#replace([]);
  }

  #computePrompts(): ChosenTokens {
    const { tokenIds, positions, segments, time, prompts } = this.padded;
    const { layers, hiddenSize } = this.decoder.config;
    const memory: Memory[] = Array.from({ length: layers }, () => ({}));
    const isFilled = prompts.some((prompt) => prompt.length < time);
    const chosen = tidied(() => {
      const mask = causalMask(time, isFilled ? { segments: int(segments) } : {});
      const hidden = this.decoder.pass({ tokenIds: int(tokenIds), positions: int(positions), mask, memory });
      const last = tf.slice(hidden, [0, time - 1, 0], [-1, 1, hiddenSize]);
      for (const block of memory) widen(block, this.#window - time);
      return chooseTokens(this.decoder.project(tf.squeeze(last, [1])), this.#sampling.next());
    });
    this.#replace(memory);
    return chosen;
  }

  #computeTokens(latest: readonly number[]): ChosenTokens {
    this.#makeRoom();
    const { prompts, time } = this.padded;
    const starts = prompts.map((prompt) => time - prompt.length);
    const output = tidied(() =>
      this.decoder.step({
        tokenIds: tf.tensor1d([...latest], "int32"),
        place: tf.scalar(this.#place, "int32"),
        starts: tf.tensor1d(starts, "int32"),
        memory: this.#memory,
        choice: this.#sampling.next(),
        compile: this.options.compile,
      }),
    );
    const { memory, seen, ...chosen } = output;
    this.#replace(memory);
    this.#sampling.remember(seen);
    this.#place++;
    return chosen;
  }

  /** Doubles the window before a token would fall out of it. */
  #makeRoom(): void {
    if (this.#place < this.#window) return;
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

const tidied = <T extends object>(compute: () => T): T => tf.tidy(() => compute() as never);

const int = (rows: number[][]): Tensor2D => tf.tensor2d(rows, undefined, "int32");

/** Puts room behind what a block remembers. The new tensors outlive the scope. */
function widen(block: Memory, by: number): void {
  const behind = (x?: Tensor4D) =>
    x &&
    tf.keep(
      tf.pad(x, [
        [0, 0],
        [0, 0],
        [0, by],
        [0, 0],
      ]),
    );
  block.keys = behind(block.keys);
  block.values = behind(block.values);
}
