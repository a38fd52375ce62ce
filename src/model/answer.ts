import type { DecoderConfig } from "./config.js";
import type { FinishReason, GenerateOptions } from "./generate.js";
import { notFinite } from "./sampling.js";

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
  ) {
    const { eosTokenId = [] } = config;
    this.#stopTokens = new Set(options.stopTokens ?? [eosTokenId].flat());
  }

  /** The token to go on from. */
  get latest(): number {
    return this.tokenIds.at(-1) ?? this.prompt.at(-1) ?? 0;
  }

  /**
   * Adds the token that was chosen, unless the answer has ended.
   *
   * @param logProb its log-probability, where that was asked for
   * @throws {PosttrainError} `model/not-finite` when the token is −1: there was none to choose
   */
  extend(token: number, logProb?: number): number | undefined {
    if (this.finishReason) return undefined;
    if (token < 0) throw notFinite(Number.NaN);
    this.tokenIds.push(token);
    if (logProb !== undefined) this.logProbs.push(logProb);
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
