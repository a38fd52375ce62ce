import type { NativeAttribute, NativeBackend, NativeBinding } from "../native.js";
import { tf, type Variable } from "../tf.js";

/** With this name TensorFlow gives every resource a name of its own. */
const ANONYMOUS = "cd2c89b7-88b7-44c8-ad83-06c2a9158347";

/**
 * The value of a variable that TensorFlow keeps in a resource, where operations can change it in place. It stands
 * in the backend's table of tensors, and looks to tfjs like the data of any tensor: whoever asks for its `id` gets a
 * tensor that shares the resource's memory. As long as that tensor is held, the next change is made to a copy, so
 * that what was read never changes.
 */
export class ResourceData {
  readonly shape: number[];
  readonly dtype: number;
  readonly values = null;
  refCount = 1;
  /** The resource, as an input of operations. */
  readonly handle: number;
  readonly #binding: NativeBinding;
  readonly #typed: NativeAttribute[];
  #read: number | undefined;

  /** Takes over the value of a native tensor without copying it. */
  constructor(binding: NativeBinding, shape: number[], dtype: number, value: number) {
    this.#binding = binding;
    this.shape = shape;
    this.dtype = dtype;
    this.#typed = [{ name: "dtype", type: binding.TF_ATTR_TYPE, value: dtype }];
    const named = [
      { name: "shape", type: binding.TF_ATTR_SHAPE, value: shape },
      { name: "container", type: binding.TF_ATTR_STRING, value: "" },
      { name: "shared_name", type: binding.TF_ATTR_STRING, value: ANONYMOUS },
    ];
    const [made] = binding.executeOp("VarHandleOp", [...this.#typed, ...named], [], 1);
    this.handle = made?.id as number;
    binding.executeOp("AssignVariableOp", this.#typed, [this.handle, value], 0);
  }

  get id(): number {
    this.#read ??= this.#binding.executeOp("ReadVariableOp", this.#typed, [this.handle], 1)[0]?.id;
    return this.#read as number;
  }

  /** Lets go of what was read. To be called before every change, which is then made in place, and after it. */
  release(): void {
    if (this.#read !== undefined) this.#binding.deleteTensor(this.#read);
    this.#read = undefined;
  }

  free(): void {
    this.release();
    const quietly = [{ name: "ignore_lookup_error", type: this.#binding.TF_ATTR_BOOL, value: true }];
    this.#binding.executeOp("DestroyResourceOp", quietly, [this.handle], 0);
    this.#binding.deleteTensor(this.handle);
  }
}

/**
 * The resource that holds the value of a variable and of nothing else, ready to be changed. A variable without one,
 * because it is new, was assigned in JavaScript or shares its data with a clone, gets one; the clone keeps its value.
 */
export function resourceOf(backend: NativeBackend, variable: Variable): ResourceData {
  const data = backend.tensorMap.get(variable.dataId);
  if (data instanceof ResourceData && data.refCount === 1) {
    data.release();
    return data;
  }
  freeResourcesWithTheirData(backend);
  const [value] = backend.getInputTensorIds([variable]);
  const { shape, dtype } = variable;
  const own = new ResourceData(backend.binding, shape, backend.getDTypeInteger(dtype), value as number);
  const dataId = {};
  backend.tensorMap.set(dataId, own);
  const tensor = tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype });
  variable.assign(tensor);
  tensor.dispose();
  return own;
}

/** Runs what changes resources. Whoever reads them afterwards reads them anew. */
export function changing<Result>(resources: readonly ResourceData[], run: () => Result): Result {
  try {
    return run();
  } finally {
    for (const resource of resources) resource.release();
  }
}

const taught = new WeakSet<NativeBackend>();

/** tfjs-node deletes a tensor when the last reference to its data goes; a resource must be destroyed as well. */
function freeResourcesWithTheirData(backend: NativeBackend): void {
  if (taught.has(backend)) return;
  taught.add(backend);
  const stock = backend.disposeData;
  backend.disposeData = function (this: NativeBackend, dataId, force = false) {
    const data = this.tensorMap.has(dataId) ? this.tensorMap.get(dataId) : undefined;
    if (!(data instanceof ResourceData)) return stock.call(this, dataId, force);
    data.refCount--;
    if (!force && data.refCount > 0) return false;
    data.free();
    this.tensorMap.delete(dataId);
    return true;
  };
}
