import {
  eraseTape,
  isTapeOn,
  nativeBackend,
  type RandomKey,
  recordTape,
  type Tape,
  walkBack,
} from "../backend/index.js";
import { type Tensor, type Tensor2D, tf, type Variable } from "../backend/tf.js";
import type { PassContext } from "./self-attention.js";

type Layer = (x: Tensor2D, context: PassContext) => Tensor2D;

/**
 * A layer that keeps nothing but its input for the backward pass, and computes itself again there (gradient
 * checkpointing): n layers need the memory of n inputs and of one layer, for one more forward pass.
 *
 * $$ \bar x = \bar y \cdot \frac{\partial f(x, \theta)}{\partial x}, \qquad
 *    \bar\theta = \bar y \cdot \frac{\partial f(x, \theta)}{\partial \theta}, \qquad
 *    \text{with } f\text{'s inner values computed from } x \text{ when } \bar y \text{ is known} $$
 *
 * The layer must be a pure function: what it draws, it draws from `context.dropoutKey`.
 *
 * @param layer    f
 * @param trained  the variables θ whose gradients are wanted; the layer need not use all of them
 * @source Chen et al. 2016 (Training deep nets with sublinear memory cost)
 */
export function recomputed(
  layer: Layer,
  x: Tensor2D,
  context: PassContext,
  trained: readonly Variable[],
): Tensor2D {
  if (!isTapeOn()) return layer(x, context);
  const { value, tape } = recordTape(() => layer(x, context));
  const used = usedOf(trained, tape);
  eraseTape(tape);
  const shared = tensorsOf(context);
  const operation = tf.customGrad<Tensor2D>((...args) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    save([x, ...shared]);
    return {
      value,
      gradFunc: (dy: Tensor2D, saved: Tensor[]) => {
        const [input, ...rest] = saved as [Tensor2D, ...Tensor[]];
        return gradientsAgain(layer, input, withTensors(context, rest), used, dy);
      },
    };
  });
  return operation(x, ...used);
}

function gradientsAgain(
  layer: Layer,
  x: Tensor2D,
  context: PassContext,
  used: readonly Variable[],
  dy: Tensor2D,
): Tensor[] {
  return tf.tidy(() => {
    const late = after(dy, x);
    const key = context.dropoutKey && after(dy, context.dropoutKey);
    const { value, tape } = recordTape(() => layer(late, { ...context, dropoutKey: key }));
    try {
      return walkBack(tape, value, dy, [late, ...used]) as Tensor[];
    } finally {
      eraseTape(tape);
    }
  });
}

function usedOf(variables: readonly Variable[], tape: Tape): Variable[] {
  const read = new Set(tape.flatMap(({ inputs }) => Object.values(inputs).map(({ id }) => id)));
  return variables.filter(({ id }) => read.has(id));
}

/**
 * x, but only once dy is there. In a compiled graph nothing else would keep the second computation from being
 * merged with the first, or from being done long before its turn.
 */
function after<T extends Tensor>(dy: Tensor2D, x: T): T {
  const native = nativeBackend();
  if (!native) return x;
  const condition = tf.isFinite(tf.reshape(tf.slice(dy, [0, 0], [1, 1]), []));
  const type = { name: "T", type: native.binding.TF_ATTR_TYPE, value: native.getDTypeInteger(x.dtype) };
  return native.executeSingleOutput("SelectV2", [type], [condition, x, x]) as T;
}

/** The tensors of a context, which must outlive the forward pass. */
const tensorsOf = ({ mask, angles, dropoutKey }: PassContext): Tensor[] => [
  mask,
  ...(angles ? [angles.cos, angles.sin] : []),
  ...(dropoutKey ? [dropoutKey] : []),
];

/** The same context with other tensors, in the order of `tensorsOf`. */
function withTensors(context: PassContext, tensors: readonly Tensor[]): PassContext {
  const left = [...tensors];
  const next = <T extends Tensor>(): T => left.shift() as T;
  return {
    ...context,
    mask: next(),
    angles: context.angles && { cos: next(), sin: next() },
    dropoutKey: context.dropoutKey && next<RandomKey>(),
  };
}
