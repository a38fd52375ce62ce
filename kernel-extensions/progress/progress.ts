import { type ProgressState, progressBundle } from "./bar.js";

export interface ProgressOptions {
  /** How many items will come. @default the `length` or `size` of what is iterated, when it has one */
  total?: number;
  /** A few words before the bar. */
  label?: string;
}

/** Shows a bundle; the second and later calls replace the first. */
export type ShowProgress = (bundle: Record<string, string>) => void;

/** The bar is redrawn at most this often. */
const REDRAW_MS = 100;

/**
 * Iterates `items` unchanged and draws a bar on the way. Leaving the loop early closes `items` as ever
 * and leaves the bar where it was.
 */
export function withProgress<T>(
  items: Iterable<T> | AsyncIterable<T>,
  options: ProgressOptions,
  show: ShowProgress,
): Generator<T, void, undefined> | AsyncGenerator<T, void, undefined> {
  const total = options.total ?? sizeOf(items);
  if (Symbol.asyncIterator in items) return drawAsync(items, new Drawing({ ...options, total }, show));
  if (Symbol.iterator in items) return draw(items, new Drawing({ ...options, total }, show));
  throw new TypeError(
    "progress() needs something to iterate: an array, a Map, a generator or an async generator",
  );
}

function* draw<T>(items: Iterable<T>, drawing: Drawing): Generator<T, void, undefined> {
  drawing.start();
  try {
    for (const item of items) {
      yield item;
      drawing.advance();
    }
    drawing.finish();
  } finally {
    drawing.stop();
  }
}

async function* drawAsync<T>(items: AsyncIterable<T>, drawing: Drawing): AsyncGenerator<T, void, undefined> {
  drawing.start();
  try {
    for await (const item of items) {
      yield item;
      drawing.advance();
    }
    drawing.finish();
  } finally {
    drawing.stop();
  }
}

class Drawing {
  readonly #state: ProgressState;
  #startedAt = 0;
  #drawnAt = 0;

  constructor(
    { total, label }: ProgressOptions,
    readonly show: ShowProgress,
  ) {
    this.#state = { label, total, done: 0, elapsed: 0, status: "running" };
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#draw();
  }

  advance(): void {
    this.#state.done++;
    if (performance.now() - this.#drawnAt >= REDRAW_MS) this.#draw();
  }

  finish(): void {
    this.#state.status = "finished";
    this.#draw();
  }

  /** Draws the last state of a loop that was left early. */
  stop(): void {
    if (this.#state.status !== "running") return;
    this.#state.status = "stopped";
    this.#draw();
  }

  #draw(): void {
    this.#drawnAt = performance.now();
    this.#state.elapsed = (this.#drawnAt - this.#startedAt) / 1000;
    this.show(progressBundle(this.#state));
  }
}

function sizeOf(items: object): number | undefined {
  const size = Reflect.get(items, "length") ?? Reflect.get(items, "size");
  return typeof size === "number" ? size : undefined;
}
