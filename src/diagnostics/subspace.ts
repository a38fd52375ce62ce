import { Random } from "../backend/index.js";
import { type Tensor, type Tensor1D, tf, type Variable } from "../backend/tf.js";
import { OptionError } from "../errors.js";
import type { Adapter, Linear, LinearAdapter, Parameter, TransformerDecoder } from "../model/index.js";
import { requireCount } from "../training/index.js";

export interface SubspaceOptions {
  /** d: how many numbers are trained. */
  dimension: number;
  /** Decides the subspace. */
  seed: number;
  /** @default "subspace" */
  name?: string;
  /** Which weights can move, by their name. @default all, as in the papers: embeddings and norms too */
  include?: (name: string) => boolean;
}

/**
 * Training in a random subspace: all D weights of a model move, but only together, along d random directions.
 *
 * $$ \theta = \theta_0 + P z, \qquad P \in \mathbb R^{D \times d}, \quad P^\top P = I_d, \quad z = 0
 *    \text{ at the start} \tag{DIM-1} $$
 *
 * Each row of P has one entry, ±1/√n: weight i belongs to one of d groups, drawn by the seed, and moves with it or
 * against it, n being the size of the group. So P is never stored: one whole number a weight says which of the 2d
 * numbers (z/√n, −z/√n) it reads, Pz is a gather and the gradient by z is a sum over groups, both exact. Its
 * columns have length 1 as those of the papers' dense Gaussian and Fastfood matrices, so that ‖θ − θ₀‖ = ‖z‖. Unlike
 * theirs its directions share no weight, so a d₉₀ measured here should not be compared with theirs to the digit.
 *
 * It is an adapter: while it is at work the model computes with θ₀ + Pz, any trainer sees z as the one trainable
 * parameter, and a checkpoint holds z alone. θ₀ is never changed.
 *
 * @source Li et al. 2018, Measuring the intrinsic dimension of objective landscapes, section 2; the sparse projection
 *   with signs by hashing is that of Weinberger et al. 2009 and, for weights, Chen et al. 2015 (HashedNets)
 */
export class Subspace implements Adapter {
  readonly name: string;
  readonly dimension: number;
  /** D: how many weights move. */
  readonly weights: number;
  readonly description: unknown;
  readonly layers: ReadonlyMap<Linear, LinearAdapter> = new Map();
  readonly substitutes: ReadonlyMap<Parameter, Parameter>;
  /** z, `[d]` */
  readonly z: Parameter;
  /** 1/√n of every group, `[d]`. */
  readonly #lengths: Variable;
  readonly #groups: Variable[];

  /**
   * @throws {OptionError} when d is not from 1 to the number of weights, or no weight is included
   */
  constructor(
    base: readonly Parameter[],
    { dimension, seed, name = "subspace", include = () => true }: SubspaceOptions,
  ) {
    const moving = base.filter((parameter) => include(parameter.name));
    const weights = moving.reduce((sum, { variable }) => sum + variable.size, 0);
    requireDimension(dimension, weights);
    this.name = name;
    this.dimension = dimension;
    this.weights = weights;
    this.description = { kind: "subspace", dimension, seed, weights };

    const { groups, sizes } = drawGroups(weights, dimension, seed);
    const constant = (values: Tensor): Variable => tf.variable(values, false);
    const lengths = sizes.map((size) => 1 / Math.sqrt(size));
    const variables = tf.tidy(() => ({
      z: tf.variable(tf.zeros([dimension])),
      lengths: constant(tf.tensor1d(lengths)),
      groups: slices(groups, moving).map((part) => constant(tf.tensor1d(part, "int32"))),
    }));
    this.z = { name: `${name}.z`, variable: variables.z, trainable: true };
    this.#lengths = variables.lengths;
    this.#groups = variables.groups;
    this.substitutes = new Map(
      moving.map((parameter, i) => [parameter, this.#moved(parameter, this.#groups[i] as Variable)]),
    );
  }

  parameters(): Parameter[] {
    return [this.z];
  }

  /**
   * The learning rate for z with which a step of Adam moves every weight as far as training all of them at `rate`
   * does: rate · √(D/d). In few steps twice as much often learns more, as the gradient of z is calmer.
   */
  learningRateFor(rate: number): number {
    return rate * Math.sqrt(this.weights / this.dimension);
  }

  /** Frees z and what says which weight is in which group. The model frees it when it is detached. */
  dispose(): void {
    tf.dispose([this.z.variable, this.#lengths, ...this.#groups]);
  }

  /** A parameter whose value is computed anew, within the pass that reads it: θ₀ + Pz. */
  #moved(parameter: Parameter, group: Variable): Parameter {
    const { z } = this;
    const lengths = this.#lengths;
    return {
      name: parameter.name,
      get variable() {
        const { variable } = parameter;
        return tf.tidy(() => {
          const steps = tf.mul(z.variable, lengths) as Tensor1D; // [d]
          const shift = tf.gather(tf.concat([steps, tf.neg(steps)]), group as Tensor as Tensor1D);
          return tf.add(variable, tf.reshape(shift, variable.shape));
        }) as Variable;
      },
      get trainable() {
        return z.trainable;
      },
      set trainable(_) {},
    };
  }
}

/**
 * Lets a model be trained in a random subspace: attaches it and puts it to work.
 *
 * ```ts
 * const subspace = attachSubspace(model, { dimension: 100, seed: 1 });
 * const learningRate = subspace.learningRateFor(1e-3);          // 1e-3 is what suits training in full
 * for await (const step of trainSft({ model, examples, tokenizer, learningRate })) …
 * const { eval_loss } = await evaluateSft({ model, examples: heldOut, tokenizer });
 * model.adapters.detach(subspace.name);                         // the model is as it was
 * ```
 *
 * @throws {OptionError} when d is not from 1 to the number of weights, or the model has an adapter of this name
 */
export function attachSubspace(model: TransformerDecoder, options: SubspaceOptions): Subspace {
  const { adapters } = model;
  const name = options.name ?? "subspace";
  if (adapters.get(name)) {
    throw new OptionError(`the model has an adapter named ${name} already`, {
      code: "diagnostics/name-taken",
      value: name,
      hint: "Detach it with model.adapters.detach(name), or choose another name.",
    });
  }
  const added = new Set(adapters.attached.flatMap((adapter) => adapter.parameters()));
  const subspace = new Subspace(
    model.parameters().filter((parameter) => !added.has(parameter)),
    options,
  );
  adapters.attach(subspace);
  adapters.enable(true);
  adapters.activate([name]);
  return subspace;
}

/**
 * Deals D weights out to d groups of equal size (or one more), in random order and with random signs.
 *
 * @returns for every weight the number of its group, plus d when it moves against it; and the sizes of the groups
 */
function drawGroups(
  weights: number,
  dimension: number,
  seed: number,
): { groups: Int32Array; sizes: number[] } {
  const random = new Random(seed);
  const groups = Int32Array.from({ length: weights }, (_, i) => i % dimension);
  for (let last = weights - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    [groups[last], groups[other]] = [groups[other] as number, groups[last] as number];
  }
  for (let i = 0; i < weights; i++) if (random.uniform() < 0.5) groups[i] = (groups[i] as number) + dimension;
  const sizes = Array.from({ length: dimension }, (_, group) => Math.ceil((weights - group) / dimension));
  return { groups, sizes };
}

/** The part of a list that belongs to each parameter. */
function slices(groups: Int32Array, parameters: readonly Parameter[]): Int32Array[] {
  let end = 0;
  return parameters.map(({ variable }) => {
    const start = end;
    end += variable.size;
    return groups.subarray(start, end);
  });
}

function requireDimension(dimension: number, weights: number): void {
  requireCount("dimension", dimension);
  if (dimension <= weights) return;
  throw new OptionError(`a subspace of ${dimension} dimensions does not fit into ${weights} weights`, {
    code: "diagnostics/dimension",
    value: dimension,
    hint: "Take a smaller dimension, or include more weights.",
  });
}
