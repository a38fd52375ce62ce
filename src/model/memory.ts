import { nativeBackend } from "../backend/index.js";
import { type Scalar, type Tensor2D, type Tensor4D, tf } from "../backend/tf.js";

/** The keys and values one block has seen, `[batch, keyHeads, keys, headSize]` each; absent at first. */
export interface Memory {
  keys?: Tensor4D;
  values?: Tensor4D;
  /**
   * Where the keys and values of one more token go, int32, in a window that has room for them.
   * Without it new ones are added at the end.
   */
  place?: Scalar;
  /** Whether they may be written into the window itself; otherwise they are written into a copy. @default false */
  inPlace?: boolean;
}

/** Adds the newest keys and values, `[batch, keyHeads, time, headSize]`, and leaves the memory holding all of them. */
export function remember(
  memory: Memory,
  keys: Tensor4D,
  values: Tensor4D,
): { keys: Tensor4D; values: Tensor4D } {
  const all = { keys: extended(memory, memory.keys, keys), values: extended(memory, memory.values, values) };
  Object.assign(memory, all);
  return all;
}

function extended({ place, inPlace }: Memory, before: Tensor4D | undefined, added: Tensor4D): Tensor4D {
  if (!before) return added;
  if (!place) return tf.concat([before, added], 2);
  return inPlace ? overwrite(before, added, place) : replace(before, added, place);
}

function replace(window: Tensor4D, added: Tensor4D, place: Scalar): Tensor4D {
  const places = tf.reshape(tf.range(0, window.shape[2], 1, "int32"), [1, 1, -1, 1]);
  return tf.where(tf.equal(places, place), added, window);
}

/** Copies no more than the new vectors. The result shares the window's memory. */
function overwrite(window: Tensor4D, added: Tensor4D, place: Scalar): Tensor4D {
  const native = nativeBackend();
  if (!native) return replace(window, added, place);
  const [batch, heads, length, size] = window.shape;
  const rows = (x: Tensor4D): Tensor2D => tf.reshape(x, [-1, size]);
  const places = tf.add(tf.mul(tf.range(0, batch * heads, 1, "int32"), tf.scalar(length, "int32")), place);
  const { TF_ATTR_TYPE, TF_FLOAT } = native.binding;
  const type = [{ name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT }];
  const written = native.executeSingleOutput("InplaceUpdate", type, [rows(window), places, rows(added)]);
  return tf.reshape(written, window.shape);
}
