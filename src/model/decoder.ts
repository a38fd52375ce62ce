import type { RandomKey } from "../backend/index.js";
import { type Tensor2D, type Tensor3D, type Tensor4D, tf, type Variable } from "../backend/tf.js";
import { OptionError, ShapeError } from "../errors.js";
import { type Adapter, Adapters } from "./adapters.js";
import { causalMask } from "./attention.js";
import type { Block } from "./block.js";
import type { DecoderConfig } from "./config.js";
import { type DecodingInput, type DecodingOutput, DecodingStep } from "./decoding-step.js";
import type { Embedding } from "./embedding.js";
import type { Linear } from "./linear.js";
import type { Memory } from "./memory.js";
import type { Norm } from "./norm.js";
import { inUse, type Parameter } from "./parameter.js";
import { recomputed } from "./recompute.js";
import { rotaryAngles } from "./rotary.js";
import type { PassContext } from "./self-attention.js";
import { requireKnownTokens } from "./token-ids.js";

export interface ForwardOptions {
  /** Position of every token, `[batch, time]` int32. @default 0, 1, 2, … */
  positions?: Tensor2D;
  /** Tokens attend only to earlier tokens with the same segment number, `[batch, time]` int32; 0 is padding. */
  segments?: Tensor2D;
  /** Added to the token embeddings, `[batch, time, hidden]` (NEFTune noise). */
  embeddingNoise?: Tensor3D;
  /** What dropout draws from, `[2]` int32. Without it nothing is dropped, as in evaluation and generation. */
  dropoutKey?: RandomKey;
  /**
   * Blocks keep only their inputs for the backward pass and compute themselves again there: less memory, for one
   * more forward pass. The gradients are the same.
   * @default false
   */
  gradientCheckpointing?: boolean;
}

/** A decoder-only transformer: token ids in, a distribution over the next token out. */
export interface Decoder {
  readonly config: DecoderConfig;
  /** Logits `[batch, time, vocab]` of token ids `[batch, time]` (int32). The caller owns them. */
  forward(tokenIds: Tensor2D, options?: ForwardOptions): Tensor3D;
  /** The last hidden states after the final norm, `[batch, time, hidden]`. The caller owns them. */
  hidden(tokenIds: Tensor2D, options?: ForwardOptions): Tensor3D;
  /** The output head: `[rows, hidden]` → `[rows, vocab]`. `forward` is `hidden` followed by this. */
  project(hidden: Tensor2D, dropoutKey?: RandomKey): Tensor2D;
  /**
   * One pass through all blocks, with everything spelled out; `hidden` and generation are made of it. With a
   * `memory` for each block, the tokens come after what it holds, and it is left holding them too.
   * Call it within `tf.tidy`. Returns `[batch, time, hidden]`.
   */
  pass(input: PassInput): Tensor3D;
  /** One more token for each sequence, computed in one compiled call where the backend can. */
  step(input: DecodingInput): DecodingOutput;
  /**
   * Every weight once (tied embeddings appear once), in Hugging Face order; then those of the attached adapters,
   * in the order they were attached. While adapters are attached, only those at work are trainable.
   */
  parameters(): Parameter[];
  /** The adapters attached to it, and which of them are at work. */
  readonly adapters: Adapters;
  /** Frees every weight, the adapters, and what was compiled. */
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
  /** As in `ForwardOptions`. Not together with `memory`. */
  gradientCheckpointing?: boolean;
  /** One for each block. */
  memory?: Memory[];
}

/** A decoder as its parts, in the order a token passes through them. */
export class TransformerDecoder implements Decoder {
  /** What was compiled for each set of adapters at work, so that switching back needs nothing new. */
  private readonly decoding = new Map<string, { step: DecodingStep; uses: readonly Adapter[] }>();
  readonly adapters: Adapters;

  constructor(
    readonly config: DecoderConfig,
    readonly parts: DecoderParts,
    private readonly weights: Parameter[],
  ) {
    this.adapters = new Adapters(weights, (adapter) => {
      this.forgetSteps(({ uses }) => uses.includes(adapter));
    });
  }

  forward(tokenIds: Tensor2D, options: ForwardOptions = {}): Tensor3D {
    const [batch, time] = tokenIds.shape;
    const { hiddenSize, vocabSize } = this.config;
    return tf.tidy(() => {
      const hidden = this.hidden(tokenIds, options);
      const logits = this.project(tf.reshape(hidden, [batch * time, hiddenSize]), options.dropoutKey);
      return tf.reshape(logits, [batch, time, vocabSize]);
    });
  }

  hidden(tokenIds: Tensor2D, options: ForwardOptions = {}): Tensor3D {
    this.requireFitting(tokenIds, options);
    const { segments, ...rest } = options;
    const [, time] = tokenIds.shape;
    return tf.tidy(() => {
      const positions = options.positions ?? tf.reshape<tf.Rank.R2>(tf.range(0, time, 1, "int32"), [1, time]);
      const mask = causalMask(time, { segments });
      return this.pass({ ...rest, tokenIds, positions, mask });
    });
  }

  pass({ tokenIds, positions, mask, memory, ...options }: PassInput): Tensor3D {
    const { embeddingNoise, dropoutKey, gradientCheckpointing } = options;
    const { hiddenSize, headSize, rotaryBase } = this.config;
    const { tokens, positions: positionTable, blocks, norm } = this.parts;
    const [batch, time] = tokenIds.shape;

    let embedded = tokens.forward(tokenIds); // [batch, time, hidden]
    if (positionTable) embedded = tf.add(embedded, positionTable.forward(positions));
    if (embeddingNoise) embedded = tf.add(embedded, embeddingNoise);

    const angles = positionTable ? undefined : rotaryAngles(positions, headSize, rotaryBase);
    const context: PassContext = { batch, time, mask, angles, dropoutKey };
    const trained = gradientCheckpointing ? this.trained() : [];
    let stream = tf.reshape<tf.Rank.R2>(embedded, [batch * time, hiddenSize]);
    blocks.forEach((block, i) => {
      const before = stream;
      stream = inScope(memory?.[i], () =>
        gradientCheckpointing && !memory
          ? recomputed((x, given) => block.forward(x, given), before, context, trained)
          : block.forward(before, context, memory?.[i]),
      );
      before.dispose();
    });
    return tf.reshape(norm.forward(stream), [batch, time, hiddenSize]);
  }

  project(hidden: Tensor2D, dropoutKey?: RandomKey): Tensor2D {
    const { head, tokens } = this.parts;
    if (head) return head.forward(hidden, dropoutKey);
    return tf.matMul(hidden, inUse(tokens.weight).variable as Tensor2D, false, true);
  }

  step(input: DecodingInput): DecodingOutput {
    const uses = this.adapters.inUse;
    const key = JSON.stringify(uses.map(({ name }) => name));
    const known = this.decoding.get(key) ?? { step: new DecodingStep(this), uses };
    this.decoding.set(key, known);
    return known.step.run(input);
  }

  parameters(): Parameter[] {
    return [...this.weights, ...this.adapters.attached.flatMap((adapter) => adapter.parameters())];
  }

  /** Every projection, in the order of their weights: those of the blocks, then the head if it is not tied. */
  linears(): Linear[] {
    const { blocks, head } = this.parts;
    const within = blocks.flatMap(({ attention, feedForward }) => [
      ...attention.linears,
      ...feedForward.linears,
    ]);
    return head ? [...within, head] : within;
  }

  dispose(): void {
    this.adapters.dispose();
    this.forgetSteps(() => true);
    for (const { variable } of this.weights) variable.dispose();
  }

  private trained(): Variable[] {
    return this.parameters().flatMap(({ trainable, variable }) => (trainable ? variable : []));
  }

  private forgetSteps(which: (compiled: { uses: readonly Adapter[] }) => boolean): void {
    for (const [key, compiled] of this.decoding) {
      if (!which(compiled)) continue;
      compiled.step.dispose();
      this.decoding.delete(key);
    }
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
    requireKnownTokens(tokenIds, this.config.vocabSize);
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
