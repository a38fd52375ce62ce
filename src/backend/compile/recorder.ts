import type { NativeBackend, NativeTensor } from "../native.js";
import { Random } from "../random.js";
import { type Tensor, tf, type Variable } from "../tf.js";
import { attribute, graphDef, nodeDef } from "./graph-def.js";
import { encodeAttributes } from "./operation-attributes.js";
import { Overrides } from "./overrides.js";
import type { Encoded } from "./protobuf.js";
import { type CompileError, operationsUnderWay, refusal } from "./refusal.js";

/** What a graph reads: the tensor to feed is looked up anew for every run. */
export interface Feed {
  readonly node: string;
  readonly source:
    | { readonly input: string }
    | { readonly variable: Variable }
    | { readonly constant: Tensor };
}

const RANDOM_OPERATIONS = /^(rand|random\w*|truncatedNormal|multinomial|dropout)$/;
const STATEFUL_OPERATIONS = /^(Random|Truncated|Parameterized|Multinomial|StatefulRandom)/;

/**
 * Writes down, while a step runs on TensorFlow's library, every operation it calls, as the nodes of a graph.
 * What would be frozen into the graph by mistake is refused at once.
 */
export class Recorder {
  readonly feeds: Feed[] = [];
  /** The value that each variable had before the step first assigned it. Owned by the recorder's caller. */
  readonly assigned = new Map<Variable, Tensor>();
  readonly #backend: NativeBackend;
  readonly #nodes: Encoded[] = [];
  /** Where in the graph the value of a native tensor comes from, and its type. */
  readonly #origins = new Map<number, { output: string; dtype: number }>();
  readonly #variables: ReadonlyMap<object, Variable>;
  readonly #constants: ReadonlyMap<object, Tensor>;
  /** Data that the step itself put on the host: `tf.scalar(2)`, shapes, paddings. */
  readonly #madeHere = new WeakSet<object>();
  readonly #hostValues = new Map<number, { shape: number[]; dtype: number; values: ArrayBufferView }>();
  readonly #overrides = new Overrides();
  /** The first thing refused; kept because the step may swallow the error. */
  #refused: CompileError | undefined;

  constructor(backend: NativeBackend, variables: readonly Variable[], constants: readonly Tensor[]) {
    this.#backend = backend;
    this.#variables = new Map(variables.map((variable) => [variable.dataId, variable]));
    this.#constants = new Map(constants.map((constant) => [constant.dataId, constant]));
  }

  /** Makes a tensor an input of the graph. */
  addInput(name: string, tensor: Tensor): void {
    this.#feed(this.#id(tensor), tensor, { input: name });
  }

  /**
   * Records what runs within, and the outputs that are added within. Everything that was hooked is put back,
   * also when it throws.
   */
  record(step: () => void): void {
    this.#hookBackend();
    this.#hookEngine();
    this.#hookRandomness();
    this.#hookVariables();
    try {
      step();
      if (this.#refused) throw this.#refused;
    } finally {
      this.#overrides.restore();
    }
  }

  /** A node of its own that ends the graph with the value of this tensor. */
  addOutput(tensor: Tensor): string {
    const type = attribute.type(this.#backend.getDTypeInteger(tensor.dtype));
    return this.#add("out", "Identity", [this.#originOf(tensor, this.#id(tensor))], { T: type });
  }

  graph(): Encoded {
    return graphDef(this.#nodes);
  }

  #hookBackend(): void {
    const backend = this.#backend;
    const { binding } = backend;
    this.#overrides.replace(backend, "getInputTensorIds", (stock) => (tensors) => {
      const ids = stock.call(backend, tensors);
      for (const [index, tensor] of tensors.entries()) this.#originOf(tensor, ids[index] as number);
      return ids;
    });
    this.#overrides.replace(backend, "write", (stock) => (values, shape, dtype) => {
      const random = operationsUnderWay().find((name) => RANDOM_OPERATIONS.test(name));
      if (random) this.#refuseRandomness();
      const dataId = stock.call(backend, values, shape, dtype);
      this.#madeHere.add(dataId);
      return dataId;
    });
    const refuseRead = (how: string) =>
      this.#refuse(
        "host-read",
        "reads a tensor's value in JavaScript",
        "Return the tensor and read it outside, or decide with tf.where.",
        how,
      );
    this.#overrides.replace(backend, "readSync", (stock) => (dataId) => {
      const ofGather = operationsUnderWay().at(-1) === "gather"; // its kernel only makes sure the indices exist
      if (ofGather || this.#madeHere.has(dataId)) return stock.call(backend, dataId);
      throw refuseRead("tensor.dataSync");
    });
    this.#overrides.replace(backend, "read", () => () => {
      refuseRead("tensor.data"); // thrown when the step is over; a rejection here could go unhandled
      return new Promise<never>(() => {});
    });
    this.#overrides.replace(backend, "binding", () =>
      Object.create(binding, {
        createTensor: {
          value: (shape: number[], dtype: number, values: ArrayBufferView) => {
            const id = binding.createTensor(shape, dtype, values);
            this.#hostValues.set(id, { shape: [...shape], dtype, values });
            return id;
          },
        },
        executeOp: {
          value: (...call: Parameters<typeof binding.executeOp>) => {
            if (STATEFUL_OPERATIONS.test(call[0])) this.#refuseRandomness();
            const outputs = binding.executeOp(...call);
            this.#recordOperation(call, outputs);
            return outputs;
          },
        },
      }),
    );
  }

  #hookEngine(): void {
    const engine = tf.engine();
    this.#overrides.replace(engine, "makeVariable", () => () => {
      throw this.#refuse(
        "new-variable",
        "makes a variable",
        "Make it, or the optimizer that makes it, before the step.",
        "tf.variable",
      );
    });
    this.#overrides.replace(engine, "disposeVariable", () => () => {
      throw this.#refuse(
        "dispose-variable",
        "disposes of a variable",
        "Do that outside.",
        "variable.dispose",
      );
    });
  }

  #hookRandomness(): void {
    this.#overrides.replace(Math, "random", () => () => this.#refuseRandomness("Math.random"));
    this.#overrides.replace(Random.prototype, "uniform", () => () => this.#refuseRandomness("Random"));
  }

  #refuseRandomness(source?: string): never {
    throw this.#refuse(
      "randomness",
      "draws random numbers in JavaScript",
      "Draw them outside and pass them as an input.",
      source,
    );
  }

  #hookVariables(): void {
    const { assigned } = this;
    this.#overrides.replace(tf.Variable.prototype, "assign", (stock) => {
      return function (this: Variable, value: Tensor) {
        if (!assigned.has(this)) assigned.set(this, tf.keep(tf.clone(this)));
        stock.call(this, value);
      } as typeof stock;
    });
  }

  #refuse(...details: Parameters<typeof refusal>): CompileError {
    const error = refusal(...details);
    this.#refused ??= error;
    return error;
  }

  #recordOperation(
    [name, attributes, inputs]: Parameters<NativeBackend["binding"]["executeOp"]>,
    outputs: readonly NativeTensor[],
  ): void {
    const origins = inputs.map((id) => this.#origins.get(id) as { output: string; dtype: number });
    const types = origins.map(({ dtype }) => dtype);
    const encoded = encodeAttributes(this.#backend.binding, name, attributes, types);
    const sources = origins.map(({ output }) => output);
    const node = this.#add("op", name, sources, encoded);
    for (const [index, { id, dtype }] of outputs.entries())
      this.#origins.set(id, { output: `${node}:${index}`, dtype });
  }

  /** Where a tensor comes from; it becomes a feed or a constant of the graph when it is first met. */
  #originOf(tensor: Tensor, id: number): string {
    const known = this.#origins.get(id);
    if (known) return known.output;
    const variable = this.#variables.get(tensor.dataId);
    if (variable) return this.#feed(id, tensor, { variable });
    const constant = this.#constants.get(tensor.dataId);
    if (constant) return this.#feed(id, tensor, { constant });
    const host = this.#hostValues.get(id);
    // A 64-bit scalar comes without a tensor: tfjs-node makes it for the call, as an axis or a count.
    if (host && (!tensor.dataId || this.#madeHere.has(tensor.dataId))) {
      const { shape, dtype, values } = host;
      const content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      const value = attribute.tensor(dtype, shape, content);
      return this.#name(id, dtype, this.#add("const", "Const", [], { dtype: attribute.type(dtype), value }));
    }
    throw this.#refuse(
      "captured-tensor",
      `reads a tensor of shape [${tensor.shape}] that was made outside and is neither an input nor a variable`,
      "Pass it as an input, or list it in `constants` if it never changes.",
    );
  }

  #feed(id: number, { shape, dtype }: Tensor, source: Feed["source"]): string {
    const type = this.#backend.getDTypeInteger(dtype);
    const attributes = { dtype: attribute.type(type), shape: attribute.shape(shape) };
    const node = this.#add("in", "Placeholder", [], attributes);
    this.feeds.push({ node, source });
    return this.#name(id, type, node);
  }

  #name(id: number, dtype: number, output: string): string {
    this.#origins.set(id, { output, dtype });
    return output;
  }

  #add(
    kind: string,
    operation: string,
    inputs: readonly string[],
    attributes: Record<string, Encoded>,
  ): string {
    const name = `${kind}${this.#nodes.length}`;
    this.#nodes.push(nodeDef(name, operation, inputs, attributes));
    return name;
  }

  #id(tensor: Tensor): number {
    return this.#backend.getInputTensorIds([tensor])[0] as number;
  }
}
