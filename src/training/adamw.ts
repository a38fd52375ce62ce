import { canUpdateInPlace, nativeBackend } from "../backend/index.js";
import { type Scalar, type Tensor, tf, type Variable } from "../backend/tf.js";
import type { Parameter } from "../model/index.js";
import { type AdamVariables, updateByFormula, updateInResources } from "./adam-update.js";
import { clippingFactor, globalNorm } from "./clip.js";
import { requireRange } from "./require.js";
import type { Gradients } from "./value-and-gradients.js";
import { zeroVariable } from "./zero-variable.js";

export interface AdamWOptions {
  /**
   * Decay rates β₁, β₂ of the two running means.
   * @default [0.9, 0.999]
   */
  betas?: readonly [number, number];
  /**
   * ε, added to the denominator.
   * @default 1e-8
   */
  epsilon?: number;
  /**
   * λ: each update shrinks weights by the factor 1 − ηλ. Norms and biases (rank below 2) are left alone.
   * @default 0.01
   */
  weightDecay?: number;
  /**
   * c: all gradients together are shortened to this length; 0 never clips.
   * @default 0
   */
  maxGradNorm?: number;
  /**
   * By what the learning rate of a parameter is multiplied. Asked once, when the optimizer is made.
   * @default 1 for every parameter
   */
  rateFactor?: (parameter: Parameter) => number;
}

/** The numbers that change from update to update, as scalars, so that a compiled step can take them as inputs. */
export type AdamWRates = {
  /** η */
  learningRate: Scalar;
  /** η √(1−β₂ᵗ) / (1−β₁ᵗ): the rate with both bias corrections folded in. */
  stepSize: Scalar;
  /** ε √(1−β₂ᵗ) */
  epsilon: Scalar;
};

export type AdamWUpdate = {
  /** ‖g‖ before clipping, scalar. */
  norm: Scalar;
  /** 1, or 0 when the loss or a gradient was NaN or infinite and nothing was changed; scalar. */
  accepted: Scalar;
};

interface Moments extends Omit<AdamVariables, "variable"> {
  parameter: Parameter;
  /** λ, or 0 for a norm or a bias. */
  weightDecay: number;
  rateFactor: number;
}

/**
 * Adam with decoupled weight decay, clipping by global norm included.
 *
 * $$ \begin{aligned}
 *   m_t &= \beta_1 m_{t-1} + (1-\beta_1)\, g_t, \qquad v_t = \beta_2 v_{t-1} + (1-\beta_2)\, g_t^2 \\
 *   \theta_t &= (1-\eta\lambda)\,\theta_{t-1}
 *     - \eta\, \frac{m_t / (1-\beta_1^t)}{\sqrt{v_t / (1-\beta_2^t)} + \varepsilon}
 * \end{aligned} \tag{OPT-1} $$
 *
 * It owns m and v, `2 × 4` bytes a trainable weight, and never the parameters. One update is a pure function of tensors
 * except that it assigns to variables; a gradient that is not finite changes nothing. On TensorFlow's library it changes
 * them in place.
 *
 * @source Loshchilov & Hutter 2019 (AdamW), algorithm 2; defaults and placement of ε as in `torch.optim.AdamW`
 */
export class AdamW {
  readonly #moments: readonly Moments[];
  /** With the betas as 32-bit floats, so that the bias corrections are exactly those of the running means. */
  readonly #options: Required<Pick<AdamWOptions, "betas" | "epsilon" | "maxGradNorm">>;
  /** t: how many updates were made and accepted. */
  updates = 0;

  constructor(
    parameters: readonly Parameter[],
    {
      betas = [0.9, 0.999],
      epsilon = 1e-8,
      weightDecay = 0.01,
      maxGradNorm = 0,
      rateFactor = () => 1,
    }: AdamWOptions = {},
  ) {
    requireRange("betas[0]", betas[0], 0, 1);
    requireRange("betas[1]", betas[1], 0, 1);
    requireRange("epsilon", epsilon, 0);
    requireRange("weightDecay", weightDecay, 0);
    requireRange("maxGradNorm", maxGradNorm, 0);
    this.#options = { betas: [Math.fround(betas[0]), Math.fround(betas[1])], epsilon, maxGradNorm };
    const trainable = parameters.filter((parameter) => parameter.trainable);
    const factors = trainable.map((parameter) => {
      const factor = rateFactor(parameter);
      requireRange(`rateFactor of ${parameter.name}`, factor, 0);
      return factor;
    });
    this.#moments = trainable.map((parameter, i) => ({
      parameter,
      mean: zeroVariable(parameter.variable),
      square: zeroVariable(parameter.variable),
      weightDecay: parameter.variable.rank >= 2 ? weightDecay : 0,
      rateFactor: factors[i] as number,
    }));
  }

  /**
   * The scalars of the next update. The caller owns them.
   *
   * @param learningRate η
   */
  rates(learningRate: number): AdamWRates {
    const [beta1, beta2] = this.#options.betas;
    const t = this.updates + 1;
    const unbias = Math.sqrt(1 - beta2 ** t);
    return {
      learningRate: tf.scalar(learningRate),
      stepSize: tf.scalar((learningRate * unbias) / (1 - beta1 ** t)),
      epsilon: tf.scalar(this.#options.epsilon * unbias),
    };
  }

  /**
   * Assigns the parameters and both running means. Only tensors decide what happens, so it can be compiled.
   * Count it with `updates += 1` once it is known to be accepted.
   *
   * @param gradients stay the caller's; a parameter without one keeps its value
   * @param loss      when given, it must be finite too
   */
  update(gradients: Gradients, { learningRate, stepSize, epsilon }: AdamWRates, loss?: Scalar): AdamWUpdate {
    return tf.tidy(() => {
      const { betas, maxGradNorm } = this.#options;
      const norm = globalNorm(gradients);
      const accepted = tf.cast(tf.isFinite(loss ? tf.add(norm, loss) : norm), "float32") as Scalar;
      const factor = timesOrZero(clippingFactor(norm, maxGradNorm), accepted);
      const [take1, take2] = betas.map((beta) => tf.mul<Scalar>(accepted, 1 - beta)) as [Scalar, Scalar];
      const update = canUpdateInPlace() ? updateInResources : updateByFormula;
      const rates = memoised((rateFactor: number, weightDecay: number) => ({
        stepSize: tf.mul<Scalar>(tf.mul(stepSize, accepted), rateFactor),
        decay:
          weightDecay > 0
            ? tf.mul<Scalar>(tf.mul(learningRate, accepted), rateFactor * weightDecay)
            : undefined,
      }));

      for (const { parameter, weightDecay, rateFactor, ...moments } of this.#moments) {
        const found = gradients[parameter.name];
        if (!found) continue;
        const variables = { variable: parameter.variable, ...moments };
        const gradient = () => timesOrZero(found, factor);
        const quantities = { gradient, take1, take2, epsilon, ...rates(rateFactor, weightDecay) };
        tf.tidy(() => update(variables, quantities));
      }
      return { norm, accepted };
    });
  }

  /**
   * One update at once, for use outside a compiled step. It counts when it is accepted, which is read at once.
   * On webgpu nothing can be read at once, and a rejected one counts too: use `update` there and count yourself.
   *
   * @returns ‖g‖ before clipping, scalar. The caller owns it.
   */
  step(gradients: Gradients, learningRate: number): Scalar {
    return tf.tidy(() => {
      const { norm, accepted } = this.update(gradients, this.rates(learningRate));
      if (tf.getBackend() === "webgpu" || accepted.dataSync()[0] === 1) this.updates += 1;
      return norm;
    });
  }

  /**
   * m and v by the names PyTorch gives them. The optimizer owns them: read them to save them, and assign to
   * them, and to `updates`, to go on from a saved state.
   */
  state(): Record<string, Variable> {
    return Object.fromEntries(
      this.#moments.flatMap(({ parameter: { name }, mean, square }) => [
        [`exp_avg.${name}`, mean],
        [`exp_avg_sq.${name}`, square],
      ]),
    );
  }

  /** Frees m and v. */
  dispose(): void {
    tf.dispose(this.state());
  }
}

/** Remembers what a function of two numbers gave. */
function memoised<Result>(compute: (a: number, b: number) => Result): typeof compute {
  const known = new Map<string, Result>();
  return (a, b) => {
    const key = `${a} ${b}`;
    const result = known.get(key) ?? compute(a, b);
    known.set(key, result);
    return result;
  };
}

/** x · factor, and 0 where the factor is 0 even if x is not finite: a plain product would carry NaN onwards. */
function timesOrZero<T extends Tensor>(x: T, factor: Scalar): T {
  const native = nativeBackend();
  if (!native) return tf.where(tf.equal(factor, 0), 0, tf.mul(x, factor)) as T;
  const { TF_ATTR_TYPE, TF_FLOAT } = native.binding;
  const attributes = [{ name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT }];
  return native.executeSingleOutput("MulNoNan", attributes, [x, factor]) as T;
}
