import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout } from "node:timers";
import { InterruptedError } from "./interrupted.js";
import type { Outputs } from "./outputs.js";

/** After an interrupt a cell has this long to clean up before it is cut off. */
const GRACE_MS = 500;

/** One execution of one cell. Code keeps belonging to its cell across every `await`, timer and callback. */
export class Cell {
  readonly #controller = new AbortController();
  readonly #cutOff: Promise<never>;
  #cut = (_reason: InterruptedError) => {};
  #gone = false;

  /**
   * @param name    what traces call it, such as `Cell 3`
   * @param poll    notices an interrupt that the event loop could not deliver
   */
  constructor(
    readonly name: string,
    readonly outputs: Outputs,
    poll: () => void,
  ) {
    this.#cutOff = new Promise((_, reject) => {
      this.#cut = reject;
    });
    this.#cutOff.catch(() => {});
    letPoll(this.#controller.signal, poll);
  }

  /** Aborts when the user interrupts this cell. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Rejects when an interrupted cell has used up its time to clean up. */
  get cutOff(): Promise<never> {
    return this.#cutOff;
  }

  /** Whether the cell has been cut off: its leftovers must neither print nor go on. */
  get gone(): boolean {
    return this.#gone;
  }

  interrupt(): void {
    if (this.#controller.signal.aborted) return;
    const reason = new InterruptedError();
    this.#controller.abort(reason);
    setTimeout(() => this.#cut(reason), GRACE_MS);
  }

  /** Called when the cell is over. What an interrupted cell left running stops at its next output or timer. */
  finish(): void {
    this.#gone = this.#controller.signal.aborted;
  }
}

/** Lets `signal.aborted` and `signal.throwIfAborted()` see an interrupt even in a loop that never yields. */
function letPoll(signal: AbortSignal, poll: () => void): void {
  const aborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted")?.get;
  Object.defineProperty(signal, "aborted", {
    get: () => {
      poll();
      return aborted?.call(signal);
    },
  });
  Object.defineProperty(signal, "throwIfAborted", {
    value: () => {
      if (signal.aborted) throw signal.reason;
    },
  });
}

/** The cell that the current code belongs to. */
export const owner = new AsyncLocalStorage<Cell>();
