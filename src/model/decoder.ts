import type { RandomKey } from "../backend/index.js";
import { type Tensor2D, type Tensor3D, type Tensor4D, tf } from "../backend/tf.js";
import { OptionError, ShapeError } from "../errors.js";
import { causalMask } from "./attention.js";
import type { Block } from "./block.js";
import type { DecoderConfig } from "./config.js";
import { type DecodingInput, type DecodingOutput, DecodingStep } from "./decoding-step.js";
import type { Embedding } from "./embedding.js";
import type { Linear } from "./linear.js";
import type { Norm } from "./norm.js";
import type { Parameter } from "./parameter.js";
import { rotaryAngles } from "./rotary.js";
import type { Memory, PassContext } from "./self-attention.js";

export interface ForwardOptions {
  /** Position of every token, `[batch, time]` int32. @default 0, 1, 2, … */
  positions?: Tensor2D;
  /** Tokens attend only to earlier tokens with the same segment number, `[batch, time]` int32; 0 is padding. */
  segments?: Tensor2D;
  /** Added to the token embeddings, `[batch, time, hidden]` (NEFTune noise). */
  embeddingNoise?: Tensor3D;
  /** What dropout draws from, `[2]` int32. Without it nothing is dropped, as in evaluation and generation. */
  dropoutKey?: RandomKey;
}

/** A decoder-only transformer: token ids in, a distribution over the next token out. */
export interface Decoder {
  readonly config: DecoderConfig;
  /** Logits `[batch, time, vocab]` of token ids `[batch, time]` (int32). The caller owns them. */
  forward(tokenIds: Tensor2D, options?: ForwardOptions): Tensor3D;
  /** The last hidden states after the final norm, `[batch, time, hidden]`. The caller owns them. */
  hidden(tokenIds: Tensor2D, options?: ForwardOptions): Tensor3D;
  /** The output head: `[rows, hidden]` → `[rows, vocab]`. `forward` is `hidden` followed by this. */
  project(hidden: Tensor2D): Tensor2D;
  /**
   * One pass through all blocks, with everything spelled out; `hidden` and generation are made of it. With a
   * `memory` for each block, the tokens come after what it holds, and it is left holding them too.
   * Call it within `tf.tidy`. Returns `[batch, time, hidden]`.
   */
  pass(input: PassInput): Tensor3D;
  /** One more token for each sequence, computed in one compiled call where the backend can. */
  step(input: DecodingInput): DecodingOutput;
  /** Every weight once (tied embeddings appear once), in Hugging Face order. */
  parameters(): Parameter[];
  /** Frees every weight and what was compiled. */
  dispose(): void;
}

/** The named parts of a decoder. */
export interface DecoderParts {
  tokens: Embedding;
  /** Absent with rotary positions. */
  positions?: Embedding;
  blocks: Block[];
  norm: Norm;
  /** Absent when the token embedding is the output head. */
  head?: Linear;
}

/** One pass in full. */
export interface PassInput {
  tokenIds: Tensor2D;
  /** `[batch or 1, time]` int32. */
  positions: Tensor2D;
  /** `[batch or 1, 1, time, keys]`, added to the attention scores. */
  mask: Tensor4D;
  embeddingNoise?: Tensor3D;
  /** What dropout draws from; without it nothing is dropped. */
  dropoutKey?: RandomKey;
  /** One for each block. */
  memory?: Memory[];
}

/** A decoder as its parts, in the order a token passes through them. */
export class TransformerDecoder implements Decoder {
  private decoding: DecodingStep | undefined;

  constructor(
    readonly config: DecoderConfig,
    readonly parts: DecoderParts,
    private readonly weights: Parameter[],
  ) {}

  forward(tokenIds: Tensor2D, options: ForwardOptions = {}): Tensor3D {
    const [batch, time] = tokenIds.shape;
    const { hiddenSize, vocabSize } = this.config;
    return tf.tidy(() => {
      const hidden = this.hidden(tokenIds, options);
      const logits = this.project(tf.reshape(hidden, [batch * time, hiddenSize]));
      return tf.reshape(logits, [batch, time, vocabSize]);
    });
  }

  hidden(tokenIds: Tensor2D, options: ForwardOptions = {}): Tensor3D {
    this.requireFitting(tokenIds, options);
    const { segments, embeddingNoise, dropoutKey } = options;
    const [, time] = tokenIds.shape;
    return tf.tidy(() => {
      const positions = options.positions ?? tf.reshape<tf.Rank.R2>(tf.range(0, time, 1, "int32"), [1, time]);
      const mask = causalMask(time, { segments });
      return this.pass({ tokenIds, positions, mask, embeddingNoise, dropoutKey });
    });
  }

  pass({ tokenIds, positions, mask, embeddingNoise, dropoutKey, memory }: PassInput): Tensor3D {
    const { hiddenSize, headSize, rotaryBase } = this.config;
    const { tokens, positions: positionTable, blocks, norm } = this.parts;
    const [batch, time] = tokenIds.shape;

    let embedded = tokens.forward(tokenIds); // [batch, time, hidden]
    if (positionTable) embedded = tf.add(embedded, positionTable.forward(positions));
    if (embeddingNoise) embedded = tf.add(embedded, embeddingNoise);

    const angles = positionTable ? undefined : rotaryAngles(positions, headSize, rotaryBase);
    const context: PassContext = { batch, time, mask, angles, dropoutKey };
    let stream = tf.reshape<tf.Rank.R2>(embedded, [batch * time, hiddenSize]);
    blocks.forEach((block, i) => {
      const before = stream;
      stream = inScope(memory?.[i], () => block.forward(before, context, memory?.[i]));
      before.dispose();
    });
    return tf.reshape(norm.forward(stream), [batch, time, hiddenSize]);
  }

  project(hidden: Tensor2D): Tensor2D {
    const { head, tokens } = this.parts;
    return head ? head.forward(hidden) : tf.matMul(hidden, tokens.weight.variable as Tensor2D, false, true);
  }

  step(input: DecodingInput): DecodingOutput {
    this.decoding ??= new DecodingStep(this);
    return this.decoding.run(input);
  }

  parameters(): Parameter[] {
    return [...this.weights];
  }

  dispose(): void {
    this.decoding?.dispose();
    for (const { variable } of this.weights) variable.dispose();
  }

  private requireFitting(tokenIds: Tensor2D, { positions, segments }: ForwardOptions): void {
    const [batch, time] = tokenIds.shape;
    if (tokenIds.rank !== 2 || tokenIds.dtype !== "int32") {
      throw new ShapeError(
        `Token ids must be [batch, time] int32, not [${tokenIds.shape}] ${tokenIds.dtype}`,
        {
          code: "model/bad-token-ids",
          value: { shape: tokenIds.shape, dtype: tokenIds.dtype },
          hint: 'Make them with tf.tensor2d(rows, [batch, time], "int32").',
        },
      );
    }
    if (time > this.config.contextLength) throw tooLong(time, this.config.contextLength);
    for (const [name, tensor] of Object.entries({ positions, segments })) {
      if (!tensor || (tensor.shape[1] === time && [1, batch].includes(tensor.shape[0]))) continue;
      throw new ShapeError(`${name} must be [${batch}, ${time}] like the token ids, not [${tensor.shape}]`, {
        code: "model/shape-mismatch",
        value: tensor.shape,
        hint: `Give one entry of ${name} for each token.`,
      });
    }
  }
}

/** A sequence longer than the model was made for. */
export const tooLong = (time: number, contextLength: number): OptionError =>
  new OptionError(`${time} tokens do not fit into a context of ${contextLength}`, {
    code: "model/context-exceeded",
    value: time,
    hint: "Shorten or split the sequence, or use a model with a longer context.",
  });

/** Frees what a block leaves behind, except its result and what it put into its memory. */
function inScope(memory: Memory | undefined, forward: () => Tensor2D): Tensor2D {
  const [stream] = tf.tidy(() => [forward(), memory?.keys, memory?.values]);
  return stream as Tensor2D;
}
