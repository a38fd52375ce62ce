import type { Adapter, Linear, Parameter } from "../model/index.js";
import type { ResolvedLoraConfig } from "./config.js";
import type { LoraLayer } from "./layer.js";

export interface LoraAdapterParts {
  name: string;
  config: ResolvedLoraConfig;
  layers: readonly LoraLayer[];
  copies: ReadonlyMap<Parameter, Parameter>;
  residuals: ReadonlyMap<Parameter, Parameter>;
  save(folder: string): Promise<void>;
}

/** One named low-rank adapter of a decoder, which owns it. */
export class LoraAdapter implements Adapter {
  readonly name: string;
  readonly config: ResolvedLoraConfig;
  readonly layers: ReadonlyMap<Linear, LoraLayer>;
  /** Weights trained in full (`modulesToSave`, `bias`): the base's, and the copy that takes its place. */
  readonly copies: ReadonlyMap<Parameter, Parameter>;
  readonly substitutes: ReadonlyMap<Parameter, Parameter>;
  /** As `saveAdapter` with its defaults. */
  readonly save: (folder: string) => Promise<void>;
  /** What is left of weights whose principal part started A and B (PiSSA, OLoRA). Frozen. */
  private readonly residuals: ReadonlyMap<Parameter, Parameter>;

  constructor({ name, config, layers, copies, residuals, save }: LoraAdapterParts) {
    this.name = name;
    this.config = config;
    this.layers = new Map(layers.map((layer) => [layer.linear, layer]));
    this.copies = copies;
    this.residuals = residuals;
    this.substitutes = new Map([...copies, ...residuals]);
    this.save = save;
  }

  get description(): unknown {
    const text = (value: unknown) => (value instanceof RegExp ? String(value) : value);
    return Object.fromEntries(Object.entries(this.config).map(([name, value]) => [name, text(value)]));
  }

  /** A and B (and DoRA's m) of every layer in the order of the model, then the copies. */
  parameters(): Parameter[] {
    return [...[...this.layers.values()].flatMap((layer) => layer.parameters()), ...this.copies.values()];
  }

  /** `LoRA adapter "default": r 8, α 8, 60 projections, 460,800 parameters`. */
  toString(): string {
    const { r, loraAlpha, useDora } = this.config;
    const size = this.parameters().reduce((sum, { variable }) => sum + variable.size, 0);
    const kind = useDora ? "DoRA" : "LoRA";
    return `${kind} adapter "${this.name}": r ${r}, α ${loraAlpha}, ${this.layers.size} projections, ${size.toLocaleString("en")} parameters`;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this.toString() };
  }

  dispose(): void {
    for (const { variable } of [...this.parameters(), ...this.residuals.values()]) variable.dispose();
  }
}
