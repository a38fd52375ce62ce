import type { Variable } from "../backend/tf.js";

/** One named weight of a model. The name is the one it has in a Hugging Face checkpoint. */
export interface Parameter {
  /** For example `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  /** Owned by the model; an optimizer assigns to it. */
  readonly variable: Variable;
  /** Whether a trainer may change it. Frozen parameters get no gradient and no optimizer state. */
  trainable: boolean;
}
