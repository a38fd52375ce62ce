import type { NativeAttribute, NativeBackend, NativeBinding, NativeTensor } from "../native.js";
import { type Tensor, tf, type Variable } from "../tf.js";
import { randomness, refuseRandomness, refuseVariablesThatComeAndGo } from "./forbidden.js";
import { GraphBuilder } from "./graph-builder.js";
import { attribute } from "./graph-def.js";
import { encodeAttributes } from "./operation-attributes.js";
import { Overrides } from "./overrides.js";
import type { Encoded } from "./protobuf.js";
import { type CompileError, operationsUnderWay, refusal } from "./refusal.js";
import { StandIns, type Typed } from "./stand-ins.js";

/** What a graph reads: the tensor to feed is looked up anew for every run. */
export interface Feed {
  readonly node: string;
  readonly source:
    | { readonly input: string }
    | { readonly variable: Variable }
    | { readonly constant: Tensor }
    /** The resource that holds the variable's value. The graph changes it. */
    | { readonly resource: Variable };
}

/** What is known of a variable that the graph changes in place. */
interface Changed {
  /** The node through which the graph gets the resource. */
  readonly resource: string;
  /** The native tensor that stands for what the resource holds, as long as nothing else was assigned. */
  held: number;
  /** The last change, and what has read the variable since: the next change waits for both. */
  after: string[];
}

const RANDOM_OPERATIONS = /^(rand|random\w*|truncatedNormal|multinomial|dropout)$/;
const STATEFUL_OPERATIONS = /^(Random|Truncated|Parameterized|Multinomial|StatefulRandom)/;
const SHAPED_BY_NUMBERS =
  /^(Unique|Where$|NonMaxSuppression|ListDiff|SparseFillEmptyRows|SparseReshape|String|DynamicPartition)/;

/**
 * Writes down, while a step runs on TensorFlow's library, every operation it calls, as the nodes of a graph.
 * What would be frozen into the graph by mistake is refused at once.
 */
export class Recorder {
  /** The one that records at present. */
  static current: Recorder | undefined;
  /** Resources come last. */
  readonly feeds: Feed[] = [];
  /** The value that each variable had before the step first assigned it. Owned by the recorder's caller. */
  readonly assigned = new Map<Variable, Tensor>();
  readonly #backend: NativeBackend;
  readonly #binding: NativeBinding;
  readonly #inPlace: boolean;
  readonly #idsOf: NativeBackend["getInputTensorIds"];
  readonly #graph = new GraphBuilder();
  readonly #changed = new Map<Variable, Changed>();
  /** Variables by the native tensor that stands for their value behind a change which the trace only wrote down. */
  readonly #unread = new Map<number, Changed>();
  /** Whether what is recorded belongs to an update in place, and then the update before it. */
  #updating = false;
  #lastUpdate: string[] = [];
  /** Where in the graph the value of a native tensor comes from, and its shape and type. */
  readonly #origins = new Map<number, Typed & { output: string }>();
  readonly #standIns: StandIns | undefined;
  readonly #variables: ReadonlyMap<object, Variable>;
  readonly #constants: Map<object, Tensor>;
  /** Data that the step itself put on the host: `tf.scalar(2)`, shapes, paddings. */
  readonly #madeHere = new WeakSet<object>();
  readonly #hostValues = new Map<number, { shape: number[]; dtype: number; values: ArrayBufferView }>();
  readonly #overrides = new Overrides();
  /** The first thing refused; kept because the step may swallow the error. */
  #refused: CompileError | undefined;

  /**
   * @param inPlace whether the graph changes variables itself, in the resources that hold them; otherwise it returns
   *   their new values
   * @param standIns whether results that are costly to compute get stand-ins
   */
  constructor(
    backend: NativeBackend,
    variables: readonly Variable[],
    constants: readonly Tensor[],
    { inPlace, standIns }: { inPlace: boolean; standIns: boolean },
  ) {
    this.#backend = backend;
    this.#binding = backend.binding;
    this.#idsOf = backend.getInputTensorIds.bind(backend);
    this.#standIns = standIns ? new StandIns(backend.binding) : undefined;
    this.#inPlace = inPlace;
    this.#variables = new Map(variables.map((variable) => [variable.dataId, variable]));
    this.#constants = new Map();
    this.addConstants(constants);
  }

  /** Lets the graph read these tensors from outside. */
  addConstants(constants: readonly Tensor[]): void {
    for (const constant of constants) this.#constants.set(constant.dataId, constant);
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
    Recorder.current = this;
    this.#hookBackend();
    const refuse = this.#refuse.bind(this);
    refuseVariablesThatComeAndGo(this.#overrides, refuse);
    refuseRandomness(this.#overrides, refuse);
    this.#hookVariables();
    try {
      step();
      if (this.#refused) throw this.#refused;
    } finally {
      this.#overrides.restore();
      Recorder.current = undefined;
    }
  }

  /**
   * Ends the graph in a node of its own for each of these tensors, which come from within `record`.
   *
   * @returns the graph and the names of the nodes
   */
  finish(results: readonly Tensor[]): { bytes: Encoded; inputs: string[]; outputs: string[] } {
    const origins = results.map((tensor) => this.#originOf(tensor, this.#id(tensor)));
    if (this.#inPlace) this.#assignResources();
    const outputs = origins.map((origin, i) => {
      const type = attribute.type(this.#backend.getDTypeInteger((results[i] as Tensor).dtype));
      return this.#graph.add("out", "Identity", [origin], { T: type }, this.#lastUpdate);
    });
    return { bytes: this.#graph.encode(), inputs: this.feeds.map(({ node }) => node), outputs };
  }

  /** Whether `update` can be used. */
  get inPlace(): boolean {
    return this.#inPlace;
  }

  /**
   * Writes down an operation that changes variables in place, and does not run it: a trace needs no more than the
   * shapes, and these stay. Updates run one after the other, each behind what prepares its inputs.
   *
   * @param inputs makes what the operation reads after its resources
   */
  update(
    operation: string,
    variables: readonly Variable[],
    inputs: () => Tensor[],
    attributes: readonly NativeAttribute[],
  ): void {
    this.#updating = true;
    try {
      const origins = inputs().map((tensor) => this.#originOf(tensor, this.#id(tensor)));
      for (const variable of variables) this.#settle(variable);
      const changed = variables.map((variable) => this.#upToDate(variable));
      const sources = [...changed.map(({ resource }) => resource), ...origins];
      const encoded = encodeAttributes(this.#binding, operation, attributes, []);
      const after = [...new Set(changed.flatMap((each) => each.after))];
      const node = this.#add("update", operation, sources, encoded, after);
      this.#lastUpdate = [node];
      for (const [i, each] of changed.entries()) {
        each.after = [node];
        each.held = this.#standIn(variables[i] as Variable);
        this.#unread.set(each.held, each);
      }
    } finally {
      this.#updating = false;
    }
  }

  /** Has the graph put into their resources what the step assigned as a tensor. */
  #assignResources(): void {
    this.#updating = true;
    for (const variable of this.assigned.keys()) this.#upToDate(variable);
    this.#updating = false;
    for (const feed of this.feeds) {
      const { source } = feed;
      if (!("variable" in source)) continue;
      const changed = this.#changed.get(source.variable);
      if (!changed) continue;
      const type = this.#backend.getDTypeInteger(source.variable.dtype);
      this.#graph.replace(feed.node, "ReadVariableOp", [changed.resource], { dtype: attribute.type(type) });
    }
    for (const [variable, { resource }] of this.#changed) {
      const read = this.feeds.findIndex(({ source }) => "variable" in source && source.variable === variable);
      if (read >= 0) this.feeds.splice(read, 1);
      this.feeds.push({ node: resource, source: { resource: variable } });
    }
  }

  /** Has a clone of a variable read its value before the next change. */
  #settle(variable: Variable): void {
    const id = this.#id(variable);
    const isShared = this.#backend.tensorMap.get(variable.dataId).refCount > 1;
    if (this.#unread.has(id) && isShared) this.#originOf(variable, id);
    this.#unread.delete(id);
  }

  /** The resource of a variable, behind the assignment of the tensor that the step gave it, if any. */
  #upToDate(variable: Variable): Changed {
    const id = this.#id(variable);
    const known = this.#changed.get(variable);
    const original = this.assigned.get(variable);
    const changed = known ?? { resource: this.#resource(), held: this.#id(original ?? variable), after: [] };
    this.#changed.set(variable, changed);
    if (id !== changed.held) {
      const type = attribute.type(this.#backend.getDTypeInteger(variable.dtype));
      const inputs = [changed.resource, this.#originOf(variable, id)];
      const node = this.#add("update", "AssignVariableOp", inputs, { dtype: type }, changed.after);
      this.#lastUpdate = [node];
      changed.after = [node];
      changed.held = id;
    }
    return changed;
  }

  #resource(): string {
    const type = attribute.type(this.#binding.TF_RESOURCE);
    return this.#graph.add("resource", "Placeholder", [], { dtype: type, shape: attribute.shape([]) });
  }

  /** Gives the variable a native tensor of its own, of the same memory, that stands for its new value. */
  #standIn(variable: Variable): number {
    const type = this.#backend.getDTypeInteger(variable.dtype);
    const attributes = [{ name: "T", type: this.#binding.TF_ATTR_TYPE, value: type }];
    const [copy] = this.#binding.executeOp("Identity", attributes, [this.#id(variable)], 1);
    const tensor = this.#backend.createOutputTensor(copy as NativeTensor);
    variable.assign(tensor);
    tensor.dispose();
    return (copy as NativeTensor).id;
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
      if (random) throw randomness(this.#refuse.bind(this));
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
            const [name, attributes, inputs] = call;
            if (STATEFUL_OPERATIONS.test(name)) throw randomness(this.#refuse.bind(this));
            if (SHAPED_BY_NUMBERS.test(name)) throw this.#refuseShape(name);
            const read = inputs.map((id) => this.#origins.get(id) as Typed);
            const standIn = this.#standIns?.of(name, read, attributes);
            const outputs = standIn ? [standIn] : binding.executeOp(...call);
            this.#recordOperation(call, outputs);
            return outputs;
          },
        },
      }),
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

  #refuseShape(operation: string): CompileError {
    return this.#refuse(
      "shape",
      "gives a result whose shape depends on numbers",
      "Do it outside and pass the result as an input, or mask instead of selecting.",
      operation,
    );
  }

  #recordOperation(
    [name, attributes, inputs]: Parameters<NativeBackend["binding"]["executeOp"]>,
    outputs: readonly NativeTensor[],
  ): void {
    const origins = inputs.map((id) => this.#origins.get(id) as Typed & { output: string });
    const types = origins.map(({ dtype }) => dtype);
    const encoded = encodeAttributes(this.#backend.binding, name, attributes, types);
    const sources = origins.map(({ output }) => output);
    const node = this.#add(name, name, sources, encoded);
    for (const [index, tensor] of outputs.entries()) this.#name(tensor.id, tensor, `${node}:${index}`);
  }

  /** Where a tensor comes from; it becomes a feed or a constant of the graph when it is first met. */
  #originOf(tensor: Tensor, id: number): string {
    const known = this.#origins.get(id);
    if (known) return known.output;
    if (tensor.dtype === "string") {
      throw this.#refuse("string", "reads text", "Turn it into numbers outside, and pass those as an input.");
    }
    const changed = this.#unread.get(id);
    if (changed) return this.#read(tensor, id, changed);
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
      return this.#name(
        id,
        host,
        this.#graph.add("const", "Const", [], { dtype: attribute.type(dtype), value }),
      );
    }
    throw this.#refuse(
      "captured-tensor",
      `reads a tensor of shape [${tensor.shape}] that was made outside and is neither an input nor a variable`,
      "Pass it as an input, or list it in `constants` if it never changes.",
    );
  }

  /** The value of a variable behind its last change. */
  #read({ shape, dtype }: Tensor, id: number, changed: Changed): string {
    const type = this.#backend.getDTypeInteger(dtype);
    const attributes = { dtype: attribute.type(type) };
    const node = this.#graph.add("read", "ReadVariableOp", [changed.resource], attributes, changed.after);
    changed.after = [...changed.after, node];
    return this.#name(id, { shape, dtype: type }, node);
  }

  #feed(id: number, { shape, dtype }: Tensor, source: Feed["source"]): string {
    const type = this.#backend.getDTypeInteger(dtype);
    const attributes = { dtype: attribute.type(type), shape: attribute.shape(shape) };
    const node = this.#graph.add("in", "Placeholder", [], attributes);
    this.feeds.push({ node, source });
    return this.#name(id, { shape, dtype: type }, node);
  }

  #name(id: number, { shape, dtype }: Typed, output: string): string {
    this.#origins.set(id, { output, shape, dtype });
    return output;
  }

  /** A node that computes: one of an update runs behind the update before it. */
  #add(
    kind: string,
    operation: string,
    inputs: readonly string[],
    attributes: Record<string, Encoded>,
    after: readonly string[] = [],
  ): string {
    if (!this.#updating) return this.#graph.add(kind, operation, inputs, attributes, after);
    const before = new Set([...after, ...this.#lastUpdate]);
    return this.#graph.addUpdate(kind, operation, inputs, attributes, [...before]);
  }

  #id(tensor: Tensor): number {
    return this.#idsOf([tensor])[0] as number;
  }
}
