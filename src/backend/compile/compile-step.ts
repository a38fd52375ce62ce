import { OptionError } from "../../errors.js";
import type { CompileRoute } from "../candidate.js";
import { compileRouteOf, type NativeBackend, nativeBackend } from "../native.js";
import { isTapeOn } from "../tape.js";
import { type Tensor, tf } from "../tf.js";
import { RecentlyUsed } from "./cache.js";
import { functionProgram, type Program, sessionProgram } from "./program.js";
import { type Feed, Recorder } from "./recorder.js";
import { CompileError } from "./refusal.js";
import { changing, resourceOf } from "./resource.js";
import { type TensorRecord, tensorsOf } from "./tensor-record.js";
import { type Trace, type TraceOptions, trace } from "./trace.js";

export interface CompileOptions {
  /**
   * Whether to compile at all. `false` runs the function as it is, which a debugger can step through; for all steps
   * at once `useBackend` says so.
   * @default true
   */
  compile?: boolean;
  /** Tensors from outside that the function reads and that never change. They stay the caller's. */
  constants?: readonly Tensor[];
  /**
   * Compile further, with XLA, into one machine program. It wins where a step is many small operations, as in
   * generating one token, and loses in training on a CPU. Only on the `func` route.
   * @default false
   */
  xla?: boolean;
  /**
   * For how many combinations of input shapes a compiled program is kept, at least 1; the one used longest ago goes
   * first.
   * @default 16
   */
  cacheSize?: number;
  /** How to run. @default the fastest that the binding offers, as `useBackend` reports it */
  route?: Exclude<CompileRoute, "eager">;
}

/** How often a compiled step could use what it had compiled before. */
export interface CompileStats {
  /** How it runs on the backend in use. */
  readonly route: CompileRoute;
  /** Runs that had to be traced first, because their shapes were new or had been forgotten. */
  readonly traces: number;
  /** Runs of a program that was there already. */
  readonly hits: number;
  /** hits / (hits + traces), or 0 before the first compiled run. */
  readonly hitRate: number;
  /** Programs kept at present. */
  readonly cached: number;
}

/** Tensors by name, in and out. */
export type Tensors<Names> = { [name in keyof Names]: Tensor | undefined };

export interface CompiledStep<In, Out> {
  /** Runs the step. The caller owns what it returns, and goes on owning what it passed. */
  (inputs: In): Out;
  readonly stats: CompileStats;
  /** Frees what was compiled. The step can still be called; it is then compiled anew. */
  dispose(): void;
}

/**
 * Makes one call to TensorFlow out of a function of tensors, such as a whole train step: forward, backward,
 * clipping, and the optimizer's assignments. The first call with new input shapes goes through the function once to
 * write down its operations as a graph; that call and all later ones run the graph, so that the numbers of a run never
 * depend on what was compiled when. On every other backend it is the plain function.
 *
 * A graph repeats operations on tensors and nothing else: numbers of JavaScript, such as a learning rate, keep the
 * value they had (pass them as scalars), and so do branches taken and other effects on JavaScript's side. What
 * would go wrong unnoticed is refused: reading a tensor, random numbers made in JavaScript, making or disposing of
 * a variable, results whose shape depends on numbers, strings, and tensors from outside that are neither inputs nor
 * variables nor in `constants`. A call whose gradient is being recorded runs the plain function.
 *
 * Variables may be read and assigned, and changed in place by `updateInPlace`. A run that fails leaves them as they
 * were, unless it fails in what it computes from a variable that it has already changed in place: everything else is
 * computed before the first change. On the `func` route
 * TensorFlow keeps the variables that a step changes where it can write to them, so that a step never holds the old
 * values beside the new ones. Clones, and whatever else shares a variable's data, keep the value they had.
 *
 * @param step a function of its inputs and of variables; synchronous. What it makes and does not return is freed;
 *   what it keeps by `tf.keep` while it is traced is not that of a run
 * @returns a function with `stats` and `dispose()`
 * @throws {CompileError} from a call, naming the operation and the place, when the step cannot be compiled
 */
export function compileStep<In extends Tensors<In>, Out extends Tensors<Out>>(
  step: (inputs: In) => Out,
  options: CompileOptions = {},
): CompiledStep<In, Out> {
  const compiled = new Compiled(step as unknown as Step, options);
  const call = (inputs: In): Out => compiled.run(tensorsOf(inputs, "input")) as Out;
  return Object.defineProperties(call, {
    stats: { get: () => compiled.stats },
    dispose: { value: () => compiled.dispose() },
  }) as CompiledStep<In, Out>;
}

type Step = (inputs: TensorRecord) => unknown;

interface Entry {
  readonly trace: Omit<Trace, "graph">;
  readonly program: Program;
}

class Compiled {
  readonly #step: Step;
  readonly #options: CompileOptions;
  readonly #entries: RecentlyUsed<Entry>;
  #traces = 0;
  #hits = 0;

  constructor(step: Step, options: CompileOptions) {
    this.#step = step;
    this.#options = options;
    const { cacheSize = 16 } = options;
    if (!(cacheSize >= 1)) {
      throw new OptionError(`a compiled step cannot keep ${cacheSize} programs`, {
        code: "compile/bad-option",
        value: cacheSize,
        hint: "Let cacheSize be at least 1, or pass `compile: false`.",
      });
    }
    this.#entries = new RecentlyUsed(cacheSize, ({ program }) => program.dispose());
  }

  get stats(): CompileStats {
    const [traces, hits] = [this.#traces, this.#hits];
    const hitRate = hits + traces === 0 ? 0 : hits / (hits + traces);
    return { route: this.#route(nativeBackend()), traces, hits, hitRate, cached: this.#entries.size };
  }

  run(inputs: TensorRecord): TensorRecord {
    const backend = nativeBackend();
    const route = this.#route(backend);
    // Within the trace of an outer step it is a part of that step.
    Recorder.current?.addConstants(this.#options.constants ?? []);
    if (!backend || route === "eager" || Recorder.current || isTapeOn()) return this.#plain(inputs);
    const key = describe(inputs);
    let entry = this.#entries.get(key);
    if (entry) {
      this.#hits++;
    } else {
      entry = this.#compile(backend, route, inputs);
      this.#entries.set(key, entry);
      this.#traces++;
    }
    return execute(backend, entry, inputs);
  }

  /** The function as it is. What it returns are new tensors, even where it hands an input or a variable back. */
  #plain(inputs: TensorRecord): TensorRecord {
    return tf.tidy(() => {
      const results = Object.entries(tensorsOf(this.#step(inputs), "result"));
      return Object.fromEntries(results.map(([name, tensor]) => [name, tf.clone(tensor)]));
    });
  }

  dispose(): void {
    this.#entries.clear();
  }

  #route(backend: NativeBackend | undefined): CompileRoute {
    const { compile = true, route } = this.#options;
    if (!backend || !compile) return "eager";
    const offered = compileRouteOf(backend);
    return route === "session" && offered === "func" ? route : offered;
  }

  #compile(backend: NativeBackend, route: CompileRoute, inputs: TensorRecord): Entry {
    const { constants = [], xla = false } = this.#options;
    const inPlace = route === "func" && !xla;
    const { graph, ...rest } = this.#trace(backend, inputs, { constants, inPlace });
    const { binding } = backend;
    const program =
      route === "func" ? functionProgram(binding, graph, { xla }) : sessionProgram(binding, graph);
    return { trace: rest, program };
  }

  /** An operation that stumbles over a stand-in, such as a division of whole numbers by it, gets true numbers. */
  #trace(
    ...[backend, inputs, options]: [NativeBackend, TensorRecord, Omit<TraceOptions, "standIns">]
  ): Trace {
    try {
      return trace(backend, this.#step, inputs, { ...options, standIns: true });
    } catch (error) {
      if (error instanceof CompileError) throw error;
      return trace(backend, this.#step, inputs, { ...options, standIns: false });
    }
  }
}

function execute(backend: NativeBackend, { trace, program }: Entry, inputs: TensorRecord): TensorRecord {
  const { feeds, results, updates } = trace;
  const tensors = feeds.map(({ source }) => fed(source, inputs));
  const resources = feeds.flatMap(({ source }) =>
    "resource" in source ? [resourceOf(backend, source.resource)] : [],
  );
  const ids = backend.getInputTensorIds(tensors.slice(0, feeds.length - resources.length));
  const run = () => program.run([...ids, ...resources.map(({ handle }) => handle)]);
  const outputs = changing(resources, run).map((tensor) => backend.createOutputTensor(tensor));
  for (const [index, variable] of updates.entries()) {
    const value = outputs[results.length + index] as Tensor;
    variable.assign(value);
    value.dispose();
  }
  return Object.fromEntries(results.map((name, index) => [name, outputs[index] as Tensor]));
}

function fed(source: Feed["source"], inputs: TensorRecord): Tensor {
  if ("input" in source) return inputs[source.input] as Tensor;
  const tensor =
    "constant" in source ? source.constant : "resource" in source ? source.resource : source.variable;
  if (!tensor.isDisposed) return tensor;
  throw new CompileError(`the step uses a tensor of shape [${tensor.shape}] that was disposed of`, {
    code: "compile/disposed",
    value: { shape: tensor.shape },
    hint: "Variables and constants of a compiled step must live as long as it is called.",
  });
}

/** What a program depends on: the names, types and shapes of the inputs. */
const describe = (inputs: TensorRecord): string =>
  JSON.stringify(
    Object.entries(inputs)
      .map(([name, { dtype, shape }]) => [name, dtype, ...shape])
      .sort(),
  );
