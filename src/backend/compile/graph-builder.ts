import { graphDef, nodeDef } from "./graph-def.js";
import type { Encoded } from "./protobuf.js";

interface GraphNode {
  operation: string;
  /** Outputs of other nodes that it reads: `"MatMul_7:0"`. */
  inputs: readonly string[];
  attributes: Readonly<Record<string, Encoded>>;
  /** Nodes that must have run before. */
  after: readonly string[];
}

/** The node before every update. */
const COMPUTED = "computed";

/** The nodes of a graph that is being written, in an order in which they could run. */
export class GraphBuilder {
  readonly #nodes = new Map<string, GraphNode>();
  /** Everything that waits for an update, the updates included. */
  readonly #late = new Set<string>();

  /** @returns the node's name */
  add(
    kind: string,
    operation: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Encoded>>,
    after: readonly string[] = [],
  ): string {
    const name = `${kind}_${this.#nodes.size}`;
    this.#nodes.set(name, { operation, inputs, attributes, after });
    if (inputs.some((input) => this.#late.has(nodeOf(input))) || after.some((node) => this.#late.has(node))) {
      this.#late.add(name);
    }
    return name;
  }

  /**
   * A node of an update. It runs when everything that does not wait for an update is done, so that an error there
   * finds all variables as they were.
   */
  addUpdate(...[kind, operation, inputs, attributes, after = []]: Parameters<GraphBuilder["add"]>): string {
    this.#late.add(COMPUTED);
    return this.add(kind, operation, inputs, attributes, [...after, COMPUTED]);
  }

  /** Puts another operation in the place of a node. */
  replace(
    name: string,
    operation: string,
    inputs: readonly string[],
    attributes: GraphNode["attributes"],
  ): void {
    this.#nodes.set(name, { operation, inputs, attributes, after: [] });
  }

  encode(): Encoded {
    const nodes = [...this.#nodes];
    if (this.#late.has(COMPUTED)) {
      nodes.push([COMPUTED, { operation: "NoOp", inputs: [], attributes: {}, after: this.#lastComputed() }]);
    }
    return graphDef(
      nodes.map(([name, { operation, inputs, attributes, after }]) =>
        nodeDef(name, operation, [...inputs, ...after.map((node) => `^${node}`)], attributes),
      ),
    );
  }

  /** The nodes that wait for no update and whose values no other such node reads. */
  #lastComputed(): string[] {
    const runs = ([name, { operation }]: [string, GraphNode]) =>
      !this.#late.has(name) && operation !== "Placeholder";
    const computed = [...this.#nodes].filter(runs);
    const read = new Set(computed.flatMap(([, { inputs }]) => inputs.map(nodeOf)));
    return computed.map(([name]) => name).filter((name) => !read.has(name));
  }
}

const nodeOf = (output: string): string => output.split(":", 1)[0] as string;
