import type { Linear, LinearAdapter } from "./linear.js";
import type { Parameter } from "./parameter.js";

/** A named change to a decoder that can be put on and taken off. The decoder's own weights stay as they are. */
export interface Adapter {
  readonly name: string;
  /** What it does to linear maps. */
  readonly layers: ReadonlyMap<Linear, LinearAdapter>;
  /** For some of the decoder's weights, what to compute with instead. */
  readonly substitutes: ReadonlyMap<Parameter, Parameter>;
  /** Plain data that says how it was made: a checkpoint of one fits no other. */
  readonly description: unknown;
  /** What it adds to the model, to be trained and saved. Their names are unique in the model. */
  parameters(): Parameter[];
  /** Writes it into a folder of its own, in the format that such adapters are exchanged in, if there is one. */
  save?(folder: string): Promise<void>;
  dispose(): void;
}

interface Attached {
  readonly adapter: Adapter;
  /** Gives its parameters their `trainable` back; absent while the adapter is at work. */
  thaw?: () => void;
}

/**
 * The adapters of one decoder: which are attached, and which the next pass computes with. Several at work add up.
 * Switching assigns a field of each adapted layer and copies nothing. While any is attached, the decoder's own
 * weights are frozen; of the adapters, only those at work can be trained.
 */
export class Adapters {
  readonly #attached = new Map<string, Attached>();
  #active: readonly string[] = [];
  #enabled = true;
  #suspensions = 0;
  #merged: Adapter | undefined;
  #inUse: readonly Adapter[] = [];
  #thawBase: (() => void) | undefined;

  /**
   * @param base the decoder's own weights
   * @param onGone told of every adapter that will not come back, before it is disposed of
   */
  constructor(
    private readonly base: readonly Parameter[],
    private readonly onGone: (adapter: Adapter) => void,
  ) {}

  /** All that are attached, in the order they came. */
  get attached(): readonly Adapter[] {
    return [...this.#attached.values()].map(({ adapter }) => adapter);
  }

  get(name: string): Adapter | undefined {
    return this.#attached.get(name)?.adapter;
  }

  /** Names of those that were chosen to be at work, whether or not adapters are enabled now. */
  get active(): readonly string[] {
    return this.#active;
  }

  /** What the next pass computes with. */
  get inUse(): readonly Adapter[] {
    return this.#inUse;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /** What is computed with in the place of the active adapters, if they are merged. */
  get merged(): Adapter | undefined {
    return this.#merged;
  }

  /** Takes the adapter over: it is disposed of with the decoder, or when it is detached. */
  attach(adapter: Adapter): void {
    this.#thawBase ??= freeze(this.base);
    this.#attached.set(adapter.name, { adapter, thaw: freeze(adapter.parameters()) });
  }

  detach(name: string): void {
    const entry = this.#attached.get(name);
    if (!entry) return;
    this.unmerge();
    this.activate(this.#active.filter((active) => active !== name));
    this.#attached.delete(name);
    if (this.#attached.size === 0) {
      this.#thawBase?.();
      this.#thawBase = undefined;
    }
    this.onGone(entry.adapter);
    entry.adapter.dispose();
  }

  /** Chooses those at work, in this order. A merge of others is undone. */
  activate(names: readonly string[]): void {
    this.unmerge();
    this.#active = [...names];
    this.#apply();
  }

  /** Turns the active adapters off or on again. */
  enable(enabled: boolean): void {
    this.#enabled = enabled;
    this.#apply();
  }

  /** Leaves all adapters out until the function returned is called. Suspensions may overlap. */
  suspend(): () => void {
    this.#suspensions += 1;
    this.#putOn();
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#suspensions -= 1;
      this.#putOn();
    };
  }

  /** Computes with `merged` in the place of the active adapters. */
  merge(merged: Adapter): void {
    this.unmerge();
    this.#merged = merged;
    this.#apply();
  }

  unmerge(): void {
    const merged = this.#merged;
    if (!merged) return;
    this.#merged = undefined;
    this.#apply();
    this.onGone(merged);
    merged.dispose();
  }

  dispose(): void {
    for (const { name } of this.attached) this.detach(name);
  }

  #apply(): void {
    const working = new Set(this.#enabled && !this.#merged ? this.#active : []);
    for (const [name, entry] of this.#attached) {
      if (working.has(name)) {
        entry.thaw?.();
        entry.thaw = undefined;
      } else {
        entry.thaw ??= freeze(entry.adapter.parameters());
      }
    }
    this.#putOn();
  }

  #putOn(): void {
    for (const { layers, substitutes } of this.#inUse) {
      for (const linear of layers.keys()) linear.adapters = [];
      for (const weight of substitutes.keys()) weight.substitute = undefined;
    }
    this.#inUse = this.#chosen();
    for (const { layers, substitutes } of this.#inUse) {
      for (const [linear, layer] of layers) linear.adapters = [...linear.adapters, layer];
      for (const [weight, substitute] of substitutes) weight.substitute = substitute;
    }
  }

  #chosen(): readonly Adapter[] {
    if (!this.#enabled || this.#suspensions > 0) return [];
    if (this.#merged) return [this.#merged];
    return this.#active.flatMap((name) => this.get(name) ?? []);
  }
}

/** Makes parameters untrainable. The function returned makes them what they were. */
function freeze(parameters: readonly Parameter[]): () => void {
  const before = parameters.map(({ trainable }) => trainable);
  for (const parameter of parameters) parameter.trainable = false;
  return () => {
    for (const [i, parameter] of parameters.entries()) parameter.trainable = before[i] as boolean;
  };
}
