import { canUpdateInPlace, nativeBackend, updateInPlace } from "../backend/index.js";
import { type Scalar, type Tensor, tf, type Variable } from "../backend/tf.js";
import type { Parameter } from "../model/index.js";
import type { Gradients } from "./value-and-gradients.js";
import { zeroVariable } from "./zero-variable.js";

/**
 * The sum of the gradients of several micro-batches. When each was computed from
 * $\sum_i w_i \ell_i / N$ with N the tokens of all of them, the sum is the gradient of one large batch:
 *
 * $$ \nabla \frac1N \sum_{b} \sum_{i \in b} w_i \ell_i = \sum_b \nabla \frac1N \sum_{i \in b} w_i \ell_i $$
 *
 * It owns one tensor a trainable parameter.
 */
export class GradientSum {
  readonly #sums: Map<string, Variable>;
  readonly #loss: Variable;

  constructor(parameters: readonly Parameter[]) {
    const trainable = parameters.filter((parameter) => parameter.trainable);
    this.#sums = new Map(trainable.map(({ name, variable }) => [name, zeroVariable(variable)]));
    this.#loss = tf.tidy(() => tf.variable(tf.scalar(0), false));
  }

  /** Adds the gradients and the loss of a micro-batch, which stay the caller's. */
  add(gradients: Gradients, loss: Scalar): void {
    tf.tidy(() => {
      for (const [name, gradient] of Object.entries(gradients)) {
        const sum = this.#sums.get(name);
        if (sum) add(sum, gradient);
      }
      add(this.#loss, loss);
    });
  }

  /** The sums so far. They stay this object's. */
  gradients(): Gradients {
    return Object.fromEntries(this.#sums);
  }

  /** Σ of the losses added so far. It stays this object's. */
  loss(): Scalar {
    return this.#loss as unknown as Scalar;
  }

  reset(): void {
    tf.tidy(() => {
      for (const sum of [...this.#sums.values(), this.#loss]) clear(sum);
    });
  }

  dispose(): void {
    tf.dispose([...this.#sums.values(), this.#loss]);
  }
}

function add(sum: Variable, term: Tensor): void {
  if (canUpdateInPlace()) change("AssignAddVariableOp", sum, () => term);
  else sum.assign(tf.add<Tensor>(sum, term));
}

function clear(sum: Variable): void {
  if (canUpdateInPlace()) change("AssignVariableOp", sum, () => tf.zerosLike(sum));
  else sum.assign(tf.zerosLike(sum));
}

/** Changes a sum behind the changes before it, so that only one sum's worth of memory is needed in between. */
function change(operation: string, sum: Variable, value: () => Tensor): void {
  const { TF_ATTR_TYPE = 0, TF_FLOAT = 0 } = nativeBackend()?.binding ?? {};
  updateInPlace(operation, [sum], () => [value()], [{ name: "dtype", type: TF_ATTR_TYPE, value: TF_FLOAT }]);
}
