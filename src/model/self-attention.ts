import type { RandomKey } from "../backend/index.js";
import { type Tensor2D, type Tensor4D, tf } from "../backend/tf.js";
import { attention } from "./attention.js";
import { reshaped } from "./light.js";
import type { Linear } from "./linear.js";
import { type Memory, remember } from "./memory.js";
import type { Parameter } from "./parameter.js";
import { type RotaryAngles, rotate } from "./rotary.js";

/** What every block of one forward pass shares. */
export interface PassContext {
  batch: number;
  time: number;
  /** Added to the attention scores, `[batch or 1, 1, time, keys]`. */
  mask: Tensor4D;
  /** Absent with learned positions. */
  angles?: RotaryAngles;
  /** What dropout draws from. Absent in evaluation and generation: nothing is dropped. */
  dropoutKey?: RandomKey;
}

export interface HeadLayout {
  heads: number;
  keyValueHeads: number;
  headSize: number;
}

/** Projects to queries, keys and values, lets every head attend, and projects back to the residual stream. */
export class SelfAttention {
  /**
   * @param inputs one projection to queries, keys and values side by side, or one for each
   */
  constructor(
    readonly layout: HeadLayout,
    readonly inputs: readonly Linear[],
    readonly output: Linear,
  ) {}

  /**
   * @param x      `[batch·time, hidden]`
   * @param memory when given, its keys and values come before the new ones, and it is replaced by all of them
   */
  forward(x: Tensor2D, context: PassContext, memory?: Memory): Tensor2D {
    const { heads, keyValueHeads, headSize } = this.layout;
    const { batch, time, mask, angles, dropoutKey } = context;
    const [q, k, v] = this.project(x, dropoutKey);

    const byHead = (flat: Tensor2D, count: number) =>
      reshaped<Tensor4D>(flat, [batch, time, count, headSize]);
    const turn = (vectors: Tensor4D) => (angles ? rotate(vectors, angles) : vectors);
    const headsFirst = (vectors: Tensor4D) => tf.transpose(vectors, [0, 2, 1, 3]); // [batch, heads, time, headSize]

    const queries = headsFirst(turn(byHead(q, heads)));
    let keys = headsFirst(turn(byHead(k, keyValueHeads)));
    let values = headsFirst(byHead(v, keyValueHeads));
    if (memory) ({ keys, values } = remember(memory, keys, values));
    const attended = headsFirst(attention(queries, keys, values, mask)); // [batch, time, heads, headSize]
    return this.output.forward(reshaped(attended, [batch * time, heads * headSize]), dropoutKey);
  }

  /** Its projections, in the order of their weights. */
  get linears(): readonly Linear[] {
    return [...this.inputs, this.output];
  }

  parameters(): Parameter[] {
    return this.linears.flatMap((linear) => linear.parameters());
  }

  private project(x: Tensor2D, dropoutKey?: RandomKey): [Tensor2D, Tensor2D, Tensor2D] {
    const projected = this.inputs.map((linear) => linear.forward(x, dropoutKey));
    const [first] = projected;
    if (first && projected.length === 1) return tf.split(first, 3, 1) as [Tensor2D, Tensor2D, Tensor2D];
    return projected as [Tensor2D, Tensor2D, Tensor2D];
  }
}
