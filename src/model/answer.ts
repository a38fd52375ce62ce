import type { Random } from "../backend/index.js";
import type { DecoderConfig } from "./config.js";
import type { FinishReason, GenerateOptions } from "./generate.js";
import { drawToken, logProbability, nextTokenProbabilities } from "./sampling.js";

/** The growing answer to one prompt. */
export class Answer {
  readonly tokenIds: number[] = [];
  /** Filled only when asked for. */
  readonly logProbs: number[] = [];
  /** Absent while the answer goes on. */
  finishReason?: FinishReason;

  readonly #stopTokens: ReadonlySet<number>;

  constructor(
    private readonly prompt: readonly number[],
    private readonly config: DecoderConfig,
    private readonly options: GenerateOptions,
    private readonly random: Random,
  ) {
    const { eosTokenId = [] } = config;
    this.#stopTokens = new Set(options.stopTokens ?? [eosTokenId].flat());
  }

  /** The token to go on from. */
  get latest(): number {
    return this.tokenIds.at(-1) ?? this.prompt.at(-1) ?? 0;
  }

  /** Draws one more token from the logits, unless the answer has ended. */
  extend(logits: Float32Array): number | undefined {
    if (this.finishReason) return undefined;
    const probabilities = nextTokenProbabilities(logits, [...this.prompt, ...this.tokenIds], this.options);
    const token = drawToken(probabilities, this.random);
    this.tokenIds.push(token);
    if (this.options.logProbs) this.logProbs.push(logProbability(logits, token));
    this.finishReason = this.#ending(token);
    return token;
  }

  #ending(token: number): FinishReason | undefined {
    const { stopStrings = [], decode, maxNewTokens = 128 } = this.options;
    if (this.#stopTokens.has(token)) return "stop";
    const text = stopStrings.length > 0 ? decode?.(this.tokenIds) : undefined;
    if (text && stopStrings.some((stop) => text.includes(stop))) return "stop";
    const isFull = this.prompt.length + this.tokenIds.length > this.config.contextLength;
    return isFull || this.tokenIds.length >= maxNewTokens ? "length" : undefined;
  }
}
