import type { RandomKey } from "../backend/index.js";
import { type Tensor2D, tf } from "../backend/tf.js";
import type { Parameter } from "./parameter.js";

/** How a weight lies in its file: `[out, in]` as PyTorch's Linear has it, `[in, out]` as GPT-2's Conv1D. */
export type WeightLayout = "outIn" | "inOut";

/**
 * A linear map of the last axis. Its `forward` is the only place where a projection's weight is multiplied.
 *
 * $$ y = x W^\top + b \tag{LIN-1} $$
 *
 * for W of shape [out, in]; a weight kept as [in, out] is used untransposed.
 */
export class Linear {
  constructor(
    readonly weight: Parameter,
    readonly layout: WeightLayout,
    readonly bias?: Parameter,
  ) {}

  /**
   * `[rows, in]` → `[rows, out]`.
   *
   * @param _dropoutKey what dropout draws from; without it nothing is dropped
   */
  forward(x: Tensor2D, _dropoutKey?: RandomKey): Tensor2D {
    const product = tf.matMul<Tensor2D>(x, this.weight.variable, false, this.layout === "outIn");
    return this.bias ? tf.add(product, this.bias.variable) : product;
  }

  parameters(): Parameter[] {
    return this.bias ? [this.weight, this.bias] : [this.weight];
  }
}
