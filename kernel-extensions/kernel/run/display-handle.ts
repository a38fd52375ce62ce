import type { Outputs } from "./outputs.js";

/** An output of a cell that can be replaced. As the last value of a cell it is not shown again. */
export class DisplayHandle {
  readonly #outputs: () => Outputs;

  constructor(
    readonly id: string,
    outputs: () => Outputs,
  ) {
    this.#outputs = outputs;
  }

  update(value: unknown): void {
    this.#outputs().update(this.id, value);
  }
}
