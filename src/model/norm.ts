import { type Tensor, tf } from "../backend/tf.js";
import { withGradient } from "./gradient.js";
import { inUse, type Parameter } from "./parameter.js";

/**
 * Root-mean-square normalisation over the last axis.
 *
 * $$ \operatorname{RMSNorm}(x) = g \odot \frac{x}{\sqrt{\frac1d \sum_i x_i^2 + \epsilon}} \tag{NORM-1} $$
 *
 * @param x       `[…, hidden]`
 * @param gain    g, `[hidden]`
 * @param epsilon keeps the root away from zero
 * @source Zhang & Sennrich 2019
 */
export function rmsNorm<T extends Tensor>(x: T, gain: Tensor, epsilon: number): T {
  return tf.mul(unitRms(x, epsilon), gain);
}

/**
 * Layer normalisation over the last axis.
 *
 * $$ \operatorname{LayerNorm}(x) = g \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + b,\qquad
 *    \mu = \tfrac1d\sum_i x_i,\quad \sigma^2 = \tfrac1d\sum_i (x_i - \mu)^2 \tag{NORM-2} $$
 *
 * @param x       `[…, hidden]`
 * @param gain    g, `[hidden]`
 * @param bias    b, `[hidden]`
 * @param epsilon keeps the root away from zero
 * @source Ba et al. 2016
 */
export function layerNorm<T extends Tensor>(x: T, gain: Tensor, bias: Tensor, epsilon: number): T {
  return tf.add(tf.mul(unitVariance(x, epsilon), gain), bias);
}

/** x̂ = s·x with s = 1/rms(x). Its gradient is s·(dx̂ − x̂·mean(dx̂·x̂)). */
function unitRms<T extends Tensor>(x: T, epsilon: number): T {
  return withGradient([x], () => {
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon)); // [..., 1]
    const value = tf.mul<T>(x, scale);
    return {
      value,
      saved: [value, scale],
      gradient: (dy, unit, scale) => [tf.mul(scale, tf.sub(dy, alongUnit(dy, unit)))],
    };
  });
}

/** x̂ = s·(x − μ) with s = 1/σ(x). Its gradient is that of `unitRms`, less its mean. */
function unitVariance<T extends Tensor>(x: T, epsilon: number): T {
  return withGradient([x], () => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon)); // [..., 1]
    const value = tf.mul<T>(centred, scale);
    return {
      value,
      saved: [value, scale],
      gradient: (dy, unit, scale) => [
        tf.mul(scale, tf.sub(tf.sub(dy, tf.mean(dy, -1, true)), alongUnit(dy, unit))),
      ],
    };
  });
}

/** The part of dy that only changes the length of x̂, which the normalisation undoes. */
const alongUnit = (dy: Tensor, unit: Tensor): Tensor => tf.mul(unit, tf.mean(tf.mul(dy, unit), -1, true));

/** A normalisation with its weights: `LayerNorm` when it has a bias, else `RMSNorm`. */
export class Norm {
  constructor(
    readonly epsilon: number,
    readonly weight: Parameter,
    readonly bias?: Parameter,
  ) {}

  /** `[…, hidden]` → the same shape. */
  forward<T extends Tensor>(x: T): T {
    const gain = inUse(this.weight).variable;
    return this.bias
      ? layerNorm(x, gain, inUse(this.bias).variable, this.epsilon)
      : rmsNorm(x, gain, this.epsilon);
  }

  parameters(): Parameter[] {
    return this.bias ? [this.weight, this.bias] : [this.weight];
  }
}
