import { type Tensor, type Tensor2D, tf } from "../backend/tf.js";
import { OptionError } from "../errors.js";
import type { Linear, Parameter, TransformerDecoder } from "../model/index.js";
import type { WeightChange } from "./change.js";

/**
 * The weights of a model as they were. It owns one tensor a weight, which shares the model's memory until training
 * changes that weight.
 */
export class WeightSnapshot {
  readonly #weights: ReadonlyMap<string, Tensor>;

  constructor(parameters: readonly Parameter[]) {
    this.#weights = new Map(
      parameters.map(({ name, variable }) => [name, tf.keep(tf.clone(variable as Tensor))]),
    );
  }

  /**
   * The weight of this name as it was. The snapshot owns it.
   * @throws {OptionError} when it was not there
   */
  get(name: string): Tensor {
    const weight = this.#weights.get(name);
    if (weight) return weight;
    throw new OptionError(`the snapshot has no weight ${name}`, {
      code: "diagnostics/not-in-snapshot",
      value: name,
      hint: "Take the snapshot from the same model, before it is trained.",
    });
  }

  /** Gives a model the weights back that it had. Weights that the snapshot does not know stay as they are. */
  restore(model: TransformerDecoder): void {
    for (const { name, variable } of model.parameters()) {
      const weight = this.#weights.get(name);
      if (weight) variable.assign(weight);
    }
  }

  dispose(): void {
    tf.dispose([...this.#weights.values()]);
  }
}

/** Remembers all weights of a model. Dispose of the snapshot when it has served. */
export const snapshotWeights = (model: TransformerDecoder): WeightSnapshot =>
  new WeightSnapshot(model.parameters());

/**
 * What training in full did to the projections of a model: ΔW = W − W₀ of every linear map, in the order of the
 * model, as `[out, in]` (GPT-2's weights are turned round). Embeddings and norms are no linear maps and left out.
 *
 * @param before stays the caller's and must live as long as the changes are used
 * @param include which modules, by their path @default those within the blocks
 */
export function weightChanges(
  before: WeightSnapshot,
  model: TransformerDecoder,
  include: (path: string) => boolean = (path) => /\.\d+\./.test(path),
): WeightChange[] {
  return model
    .linears()
    .filter(({ path }) => include(path))
    .map((linear) => {
      const { weight } = linear;
      const original = () => outIn(linear, before.get(weight.name) as Tensor2D);
      return {
        path: linear.path,
        before: original,
        change: () => tf.tidy(() => tf.sub<Tensor2D>(outIn(linear, weight.variable as Tensor2D), original())),
      };
    });
}

/** A new tensor `[out, in]` of a weight in the layout of its linear map. */
export const outIn = ({ layout }: Linear, weight: Tensor2D): Tensor2D =>
  layout === "outIn" ? tf.clone(weight) : tf.transpose(weight);
