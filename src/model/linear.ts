import type { RandomKey } from "../backend/index.js";
import { type Tensor2D, tf } from "../backend/tf.js";
import { withGradient } from "./gradient.js";
import { biased } from "./light.js";
import { inUse, moduleOf, type Parameter } from "./parameter.js";

/** How a weight lies in its file: `[out, in]` as PyTorch's Linear has it, `[in, out]` as GPT-2's Conv1D. */
export type WeightLayout = "outIn" | "inOut";

/** What an adapter does to one linear map. */
export interface LinearAdapter {
  /**
   * @param x          `[rows, in]`
   * @param product    `[rows, out]`: x·Wᵀ, and what adapters before this one have made of it, without the bias
   * @param dropoutKey what dropout draws from; without it nothing is dropped
   * @returns `[rows, out]`: the product with this adapter's part
   */
  forward(x: Tensor2D, product: Tensor2D, dropoutKey?: RandomKey): Tensor2D;
}

/**
 * A linear map of the last axis. Its `forward` is the only place where a projection's weight is multiplied, and
 * so the place where adapters add to it.
 *
 * $$ y = x W^\top + b \tag{LIN-1} $$
 *
 * for W of shape [out, in]; a weight kept as [in, out] is used untransposed.
 */
export class Linear {
  /** The adapters in use, in the order they are applied. */
  adapters: readonly LinearAdapter[] = [];

  constructor(
    readonly weight: Parameter,
    readonly layout: WeightLayout,
    readonly bias?: Parameter,
  ) {}

  /**
   * `[rows, in]` → `[rows, out]`.
   *
   * @param dropoutKey what adapters' dropout draws from; without it nothing is dropped
   */
  forward(x: Tensor2D, dropoutKey?: RandomKey): Tensor2D {
    const product = this.adapters.reduce(
      (before, adapter) => adapter.forward(x, before, dropoutKey),
      this.multiply(x),
    );
    return this.bias ? biased(product, inUse(this.bias).variable) : product;
  }

  /** x·Wᵀ alone. For a frozen weight the backward pass needs nothing of the forward pass, so nothing is kept. */
  multiply(x: Tensor2D): Tensor2D {
    const { variable, trainable } = inUse(this.weight);
    const transposed = this.layout === "outIn";
    const product = () => tf.matMul<Tensor2D>(x, variable, false, transposed);
    if (trainable) return product();
    return withGradient([x], () => ({
      value: product(),
      saved: [],
      gradient: (dy: Tensor2D) => [tf.matMul(dy, variable, false, !transposed)],
    }));
  }

  /** For example `model.layers.0.self_attn.q_proj`. */
  get path(): string {
    return moduleOf(this.weight);
  }

  /** Widths of what goes in and what comes out. */
  get sizes(): { in: number; out: number } {
    const [rows, columns] = this.weight.variable.shape as [number, number];
    return this.layout === "outIn" ? { in: columns, out: rows } : { in: rows, out: columns };
  }

  parameters(): Parameter[] {
    return this.bias ? [this.weight, this.bias] : [this.weight];
  }
}
