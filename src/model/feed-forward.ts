import type { RandomKey } from "../backend/index.js";
import type { Tensor2D } from "../backend/tf.js";
import { gelu, swiglu } from "./activation.js";
import type { Linear } from "./linear.js";
import type { Parameter } from "./parameter.js";

/** The part of a block that works on every position alone: widen, activate, narrow. */
export interface FeedForward {
  /** `[rows, hidden]` → `[rows, hidden]`. Dropout, if there is any, draws from the key. */
  forward(x: Tensor2D, dropoutKey?: RandomKey): Tensor2D;
  /** Its projections, in the order of their weights. */
  readonly linears: readonly Linear[];
  parameters(): Parameter[];
}

/**
 * GPT-2's feed-forward layer.
 *
 * $$ \operatorname{FF}(x) = \operatorname{GELU}(x W_1 + b_1)\, W_2 + b_2 \tag{FF-1} $$
 */
export class PlainFeedForward implements FeedForward {
  constructor(
    readonly widen: Linear,
    readonly narrow: Linear,
  ) {}

  forward(x: Tensor2D, dropoutKey?: RandomKey): Tensor2D {
    return this.narrow.forward(gelu(this.widen.forward(x, dropoutKey)), dropoutKey);
  }

  get linears(): readonly Linear[] {
    return [this.widen, this.narrow];
  }

  parameters(): Parameter[] {
    return this.linears.flatMap((linear) => linear.parameters());
  }
}

/**
 * Llama's feed-forward layer: one projection opens and closes another.
 *
 * $$ \operatorname{FF}(x) = \bigl(\operatorname{SiLU}(x W_g^\top) \odot x W_u^\top\bigr) W_d^\top \tag{FF-2} $$
 */
export class GatedFeedForward implements FeedForward {
  constructor(
    readonly gate: Linear,
    readonly up: Linear,
    readonly down: Linear,
  ) {}

  forward(x: Tensor2D, dropoutKey?: RandomKey): Tensor2D {
    const [gate, up] = [this.gate.forward(x, dropoutKey), this.up.forward(x, dropoutKey)];
    return this.down.forward(swiglu(gate, up), dropoutKey);
  }

  get linears(): readonly Linear[] {
    return [this.gate, this.up, this.down];
  }

  parameters(): Parameter[] {
    return this.linears.flatMap((linear) => linear.parameters());
  }
}
