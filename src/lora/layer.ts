import { dropout, type RandomKey } from "../backend/index.js";
import { type Tensor1D, type Tensor2D, tf } from "../backend/tf.js";
import {
  inUse,
  type Linear,
  type LinearAdapter,
  type Parameter,
  type WeightLayout,
  withGradient,
} from "../model/index.js";
import { withoutGradient } from "../training/index.js";

/** What one layer of an adapter is made of. */
export interface LoraParts {
  linear: Linear;
  /** A, `[r, in]`. */
  a: Parameter;
  /** B, `[out, r]`. */
  b: Parameter;
  /** m, `[out]`: only with DoRA. */
  magnitude?: Parameter;
  /** s = α/r. */
  scale: number;
  alpha: number;
  /** The share of the inputs that training drops. */
  dropout: number;
}

/**
 * A low-rank correction of one projection.
 *
 * $$ h = W_0 x + s\,B A x \tag{LORA-1} $$
 *
 * With a magnitude m (DoRA) the rows of the corrected weight have the lengths m:
 *
 * $$ h = \frac{m}{\lVert W_0 + s\,BA \rVert_{\text{row}}} \odot (W_0 x + s\,B A x) \tag{DORA-1} $$
 *
 * The norm counts as a constant in the gradient. ΔW is never formed for the product: the input passes through the
 * r numbers in between, where the scale is applied because they are few.
 *
 * @source Hu et al. 2021, eq. 3; Liu et al. 2024 (DoRA), eq. 5 and section 4.3; arithmetic as in PEFT 0.21.2
 */
export class LoraLayer implements LinearAdapter {
  readonly linear: Linear;
  readonly a: Parameter;
  readonly b: Parameter;
  readonly magnitude: Parameter | undefined;
  readonly scale: number;
  readonly alpha: number;
  readonly dropout: number;
  /** Tells this layer's dropout from that of others that draw with the same key. */
  readonly stream: number;

  constructor(parts: LoraParts) {
    this.linear = parts.linear;
    this.a = parts.a;
    this.b = parts.b;
    this.magnitude = parts.magnitude;
    this.scale = parts.scale;
    this.alpha = parts.alpha;
    this.dropout = parts.dropout;
    this.stream = streamOf(parts.a.name);
  }

  /** Of the module, as in the model's files: `model.layers.0.self_attn.q_proj`. */
  get path(): string {
    return this.linear.path;
  }

  get rank(): number {
    return this.a.variable.shape[0] as number;
  }

  forward(x: Tensor2D, product: Tensor2D, dropoutKey?: RandomKey): Tensor2D {
    const drops = dropoutKey !== undefined && this.dropout > 0;
    const input = drops ? dropout(x, this.dropout, dropoutKey, this.stream) : x;
    if (!this.magnitude) return this.correct(product, input);

    const factor = this.rescaling(this.magnitude);
    if (!drops) return tf.mul(factor, this.correct(product, input));
    // As PEFT has it: what was dropped is missing from the change of the frozen part, not from the part itself.
    const frozen = this.linear.multiply(input);
    const change = tf.sub(tf.mul(factor, this.correct(frozen, input)), frozen);
    return tf.add(product, change);
  }

  /** y + s·(xAᵀ)Bᵀ. For the backward pass it keeps x and the r numbers in between of every row, nothing wide. */
  private correct(product: Tensor2D, x: Tensor2D): Tensor2D {
    const { scale } = this;
    return withGradient([product, x, this.a.variable, this.b.variable], () => {
      const [a, b] = [this.a.variable as Tensor2D, this.b.variable as Tensor2D];
      const narrow = tf.mul<Tensor2D>(tf.matMul(x, a, false, true), scale); // [rows, r]
      return {
        value: tf.add<Tensor2D>(product, tf.matMul(narrow, b, false, true)),
        saved: [x, narrow],
        gradient: (dy, x: Tensor2D, narrow: Tensor2D) => {
          const dNarrow = tf.mul<Tensor2D>(tf.matMul(dy, b), scale); // [rows, r]
          return [
            tf.clone(dy),
            tf.matMul(dNarrow, a),
            tf.matMul(dNarrow, x, true, false),
            tf.matMul(dy, narrow, true, false),
          ];
        },
      };
    });
  }

  parameters(): Parameter[] {
    return this.magnitude ? [this.a, this.b, this.magnitude] : [this.a, this.b];
  }

  /** `model.layers.0.self_attn.q_proj: A [8, 576], B [576, 8], s 1`. */
  toString(): string {
    const [a, b] = [this.a, this.b].map(({ variable }) => `[${variable.shape.join(", ")}]`);
    return `${this.path}: A ${a}, B ${b}, s ${this.scale}${this.magnitude ? ", with magnitudes" : ""}`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this.toString() };
  }

  /** m / ‖W₀ + s·BA‖, `[out]`. */
  private rescaling(magnitude: Parameter): Tensor1D {
    const { variable: weight } = inUse(this.linear.weight);
    const norm = withoutGradient(weight, () => correctedNorms(this, weight as Tensor2D));
    return tf.div(magnitude.variable, norm) as Tensor1D;
  }
}

/** ‖W‖ of every row of a weight, that is for every output, `[out]`. */
export const rowNorms = (weight: Tensor2D, layout: WeightLayout): Tensor1D =>
  tf.tidy(() => tf.sqrt(tf.sum(tf.square(weight), layout === "outIn" ? 1 : 0)) as Tensor1D);

/** Stands for the length of a row of zeros, whose direction is none, so that 0 / 0 is 0. */
const SHORTEST = 1e-20;

/** ‖W₀ + s·BA‖ of every row, `[out]`. */
const correctedNorms = (layer: LoraLayer, frozen: Tensor2D): Tensor1D =>
  tf.tidy(() => {
    const norms = rowNorms(tf.add<Tensor2D>(frozen, deltaWeight(layer)), layer.linear.layout);
    return tf.maximum(norms, SHORTEST);
  });

/**
 * What an adapter adds to a weight.
 *
 * $$ \Delta W = s\,BA \tag{LORA-4} $$
 *
 * @returns in the shape of the layer's own weight, to which it can be added: `[out, in]`, and `[in, out]` for
 *   GPT-2's Conv1D. DoRA's rescaling is not in it: see `mergedWeight`. The caller owns it.
 */
export function deltaWeight({ a, b, scale, linear }: LoraLayer): Tensor2D {
  return tf.tidy(() => {
    const scaled = tf.mul<Tensor2D>(a.variable, scale);
    return linear.layout === "outIn"
      ? tf.matMul<Tensor2D>(b.variable, scaled)
      : tf.matMul<Tensor2D>(scaled, b.variable, true, true);
  });
}

/**
 * The one weight that computes what a weight and its adapter compute together.
 *
 * $$ W = W_0 + s\,BA, \qquad \text{DoRA: } W = \frac{m}{\lVert W_0 + s\,BA \rVert_{\text{row}}}\,(W_0 + s\,BA)
 *    \tag{LORA-5} $$
 *
 * @param frozen W₀, in the layout of the layer's own weight @default the weight as the model computes with it now
 * @param before what adapters before this one have made of W₀ @default frozen
 * @returns in the shape of the layer's own weight. The caller owns it.
 */
export function mergedWeight(
  layer: LoraLayer,
  frozen: Tensor2D = inUse(layer.linear.weight).variable as Tensor2D,
  before: Tensor2D = frozen,
): Tensor2D {
  return tf.tidy(() => {
    const { layout } = layer.linear;
    const sum = tf.add<Tensor2D>(before, deltaWeight(layer));
    if (!layer.magnitude) return sum;
    const factor = tf.div(layer.magnitude.variable, correctedNorms(layer, frozen)); // [out]
    return tf.mul(sum, layout === "outIn" ? tf.reshape(factor, [-1, 1]) : factor);
  });
}

/** A number that follows from a name alone, so that a run resumed elsewhere draws the same (FNV-1a). */
function streamOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const letter of Buffer.from(name)) hash = Math.imul(hash ^ letter, 0x01000193);
  return hash;
}
