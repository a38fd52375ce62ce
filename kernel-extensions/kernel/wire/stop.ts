import { Session } from "node:inspector";
import { FORGET_CONTEXTS } from "./forget.js";
import type { Interrupts } from "./interrupts.js";

/** Code that is awaited gets this long to notice its signal: a training step may be inside a long native call. */
const PATIENCE_MS = 4000;
/** Plain synchronous code gets less. */
const SYNCHRONOUS_PATIENCE_MS = 700;

/** Stops the running cell from another thread. */
export class Stopper {
  #latest = 0;

  constructor(readonly interrupts: Interrupts) {}

  /**
   * Asks the running cell to stop, and makes it stop when it does not listen.
   * A second call while the first is still unheard does not wait any longer.
   */
  stop(): void {
    const impatient = !this.interrupts.noticed(this.#latest);
    const number = this.interrupts.request();
    this.#latest = number;
    const force = () => {
      if (this.interrupts.noticed(number)) return;
      if (this.interrupts.breakable) process.kill(process.pid, "SIGINT");
      else terminate();
    };
    if (impatient) force();
    else setTimeout(force, this.interrupts.breakable ? SYNCHRONOUS_PATIENCE_MS : PATIENCE_MS);
  }
}

/**
 * Ends whatever JavaScript the main thread is running; its event loop then goes on. Node keeps a stack of asynchronous
 * contexts and aborts the process when code that is gone has left something on it, so that stack is cleared first,
 * while the debugger holds the code.
 */
function terminate(): void {
  const session = new Session();
  session.connectToMainThread();
  session.once("Debugger.paused", ({ params: { callFrames } }) => {
    const callFrameId = callFrames[0]?.callFrameId ?? "";
    session.post("Debugger.evaluateOnCallFrame", { callFrameId, expression: `${FORGET_CONTEXTS}()` });
    session.post("Runtime.terminateExecution");
    session.post("Debugger.disable", () => session.disconnect());
  });
  session.post("Debugger.enable");
  session.post("Debugger.pause");
}
