import { type Tensor, type Tensor3D, tf } from "../backend/tf.js";
import { inUse, type Parameter } from "./parameter.js";

/**
 * A table of vectors, looked up by index.
 *
 * $$ e_t = E_{x_t} \tag{EMB-1} $$
 */
export class Embedding {
  constructor(readonly weight: Parameter) {}

  /** `[batch, time]` int32 → `[batch, time, hidden]`. */
  forward(indices: Tensor): Tensor3D {
    return tf.gather(inUse(this.weight).variable, indices) as Tensor3D;
  }

  parameters(): Parameter[] {
    return [this.weight];
  }
}
