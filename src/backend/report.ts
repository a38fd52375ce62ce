import type { CompileRoute, Started } from "./candidate.js";
import type { BackendName } from "./names.js";

/** A faster backend that was not taken, and why. */
export interface PassedOver {
  readonly name: BackendName;
  readonly reason: string;
}

const COMPILED: Record<CompileRoute, string> = {
  func: "Compiled train steps run as one TensorFlow function.",
  session: "Compiled train steps run as one TensorFlow graph.",
  eager: "Train steps run op by op.",
};

/** What computes and why. It shows itself as a sentence in a notebook, in a template string and in the console. */
export class BackendReport {
  readonly name: BackendName;
  readonly device: string;
  readonly version: string;
  /** How `compileStep` runs a train step here. */
  readonly compileRoute: CompileRoute;
  /** The name under which tfjs knows the backend (`tf.getBackend()`). */
  readonly tfjsName: string;
  readonly passedOver: readonly PassedOver[];

  constructor(name: BackendName, started: Started, passedOver: readonly PassedOver[]) {
    this.name = name;
    this.device = started.device;
    this.version = started.version;
    this.compileRoute = started.compileRoute;
    this.tfjsName = started.tfjsName;
    this.passedOver = passedOver;
  }

  /** Which backend, which device, which library, and why the faster ones were passed over. */
  get sentence(): string {
    const passed = this.#reasons((names) => names.join(" and "));
    const why = passed.length ? ` Faster backends passed over: ${passed.join("; ")}.` : "";
    return `Computing with ${this.name}: ${this.version} on ${this.device}. ${COMPILED[this.compileRoute]}${why}`;
  }

  toString(): string {
    return this.sentence;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.sentence;
  }

  [Symbol.for("Jupyter.display")](): Record<string, string> {
    const passed = this.#reasons((names) => names.map((name) => `**${name}**`).join(" and "));
    const markdown = `Computing with **${this.name}**: ${this.version} on ${this.device}. ${COMPILED[this.compileRoute]}`;
    return {
      "text/plain": this.sentence,
      "text/markdown": [markdown, ...passed.map((reason) => `- passed over ${reason}`)].join("\n\n"),
    };
  }

  /** "gpu and native, because …": one entry a reason. */
  #reasons(join: (names: string[]) => string): string[] {
    const namesByReason = new Map<string, string[]>();
    for (const { name, reason } of this.passedOver) {
      namesByReason.set(reason, [...(namesByReason.get(reason) ?? []), name]);
    }
    return [...namesByReason].map(([reason, names]) => `${join(names)}, because ${reason}`);
  }
}
