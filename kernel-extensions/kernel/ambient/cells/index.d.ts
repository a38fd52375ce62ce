/**
 * What every cell can use without importing it. The kernel hands this file to the type checker;
 * `kernel-extensions/kernel/run/globals.ts` and `kernel-extensions/progress/` keep the promises made here.
 */
declare global {
  /** An output of a cell that can be replaced while the program runs. */
  interface DisplayHandle {
    /** Identifies the output within the kernel. */
    readonly id: string;
    /** Shows `value` in place of what was shown before. Rapid updates are thinned out; the last one always arrives. */
    update(value: unknown): void;
  }

  interface DisplayOptions {
    /** Name of the output; displays with the same name are updated together. @default a random one */
    id?: string;
    /** Jupyter's metadata by MIME type, for example `{ "image/png": { width: 300 } }`. */
    metadata?: Record<string, unknown>;
  }

  /**
   * Shows `value` below the cell: figures, tables, tensors, anything with a `[Symbol.for("Jupyter.display")]()` method.
   *
   * @example
   * const chart = display(lossCurve(run));
   * for await (const step of trainSft(options)) chart.update(lossCurve(run));
   */
  function display(value: unknown, options?: DisplayOptions): DisplayHandle;

  interface ProgressOptions {
    /** How many items will come. @default the `length` or `size` of what is iterated, when it has one */
    total?: number;
    /** A few words before the bar. */
    label?: string;
  }

  /** Iterates `items` unchanged and shows a bar with rate, elapsed and remaining time below the cell. */
  function progress<T>(items: Iterable<T>, options?: ProgressOptions): Generator<T, void, undefined>;
  function progress<T>(
    items: AsyncIterable<T>,
    options?: ProgressOptions,
  ): AsyncGenerator<T, void, undefined>;

  interface CellKernel {
    /** Aborts when the user interrupts the running cell. Every cell has a fresh one. */
    readonly signal: AbortSignal;
    /** Removes the outputs of the running cell; with `wait`, only when the next output arrives. */
    clearOutput(options?: { wait?: boolean }): void;
  }

  const kernel: CellKernel;
}

export {};
