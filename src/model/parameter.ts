import type { Variable } from "../backend/tf.js";

/** One named weight of a model. The name is the one it has in a Hugging Face checkpoint. */
export interface Parameter {
  /** For example `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  /** Owned by the model; an optimizer assigns to it. */
  readonly variable: Variable;
  /** Whether a trainer may change it. Frozen parameters get no gradient and no optimizer state. */
  trainable: boolean;
  /** While set, the model computes with this one instead: an adapter's copy of the weight. */
  substitute?: Parameter;
}

/** The parameter that the model computes with: this one, or what an adapter has put in its place. */
export const inUse = (parameter: Parameter): Parameter => parameter.substitute ?? parameter;

/** The path of the module that a weight belongs to: `model.norm` for `model.norm.weight`. */
export const moduleOf = ({ name }: Parameter): string => name.slice(0, name.lastIndexOf("."));
