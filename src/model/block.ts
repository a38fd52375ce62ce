import type { Tensor2D } from "../backend/tf.js";
import type { FeedForward } from "./feed-forward.js";
import { added } from "./light.js";
import type { Memory } from "./memory.js";
import type { Norm } from "./norm.js";
import type { PassContext, SelfAttention } from "./self-attention.js";

/**
 * One pre-norm transformer block: two corrections added to the residual stream.
 *
 * $$ h = x + \operatorname{Att}(\operatorname{Norm}_1(x)), \qquad
 *    y = h + \operatorname{FF}(\operatorname{Norm}_2(h)) \tag{BLOCK-1} $$
 */
export class Block {
  constructor(
    readonly attentionNorm: Norm,
    readonly attention: SelfAttention,
    readonly feedForwardNorm: Norm,
    readonly feedForward: FeedForward,
  ) {}

  /** `[batch·time, hidden]` → the same shape. */
  forward(x: Tensor2D, context: PassContext, memory?: Memory): Tensor2D {
    const h = added(x, this.attention.forward(this.attentionNorm.forward(x), context, memory));
    return added(h, this.feedForward.forward(this.feedForwardNorm.forward(h), context.dropoutKey));
  }
}
