/**
 * Interrupts shared between the thread that owns the sockets and the thread that runs the cells.
 * The running code can ask for one even while it never returns to the event loop.
 */
export class Interrupts {
  readonly #cells: Int32Array;

  constructor(readonly memory = new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT)) {
    this.#cells = new Int32Array(memory);
  }

  /** Notes one more interrupt and returns its number. */
  request(): number {
    return Atomics.add(this.#cells, REQUESTED, 1) + 1;
  }

  /** Whether an interrupt waits to be noticed. */
  get pending(): boolean {
    return Atomics.load(this.#cells, REQUESTED) > Atomics.load(this.#cells, NOTICED);
  }

  /** Whether the interrupt with this number has been noticed. */
  noticed(number: number): boolean {
    return Atomics.load(this.#cells, NOTICED) >= number;
  }

  /** Marks every interrupt so far as noticed; tells whether there was one. */
  take(): boolean {
    const requested = Atomics.load(this.#cells, REQUESTED);
    return Atomics.exchange(this.#cells, NOTICED, requested) < requested;
  }

  /** Whether the cell is in code that a SIGINT can break: run by `vm` with `breakOnSigint`. */
  get breakable(): boolean {
    return Atomics.load(this.#cells, BREAKABLE) === 1;
  }

  set breakable(value: boolean) {
    Atomics.store(this.#cells, BREAKABLE, value ? 1 : 0);
  }
}

const REQUESTED = 0;
const NOTICED = 1;
const BREAKABLE = 2;
