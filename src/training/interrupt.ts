/** Where a host, such as our Jupyter kernel, puts the signal that aborts when the user interrupts it. */
const HOST_SIGNAL = Symbol.for("posttrain.interrupt");

/** The signal a trainer listens to: the one it was given, else the host's, if there is any. */
export function stopSignal(given?: AbortSignal): AbortSignal | undefined {
  return given ?? (globalThis as { [HOST_SIGNAL]?: AbortSignal })[HOST_SIGNAL];
}

/**
 * Lets timers, messages and the user's interrupt be handled before the next step; awaiting a finished promise
 * would not.
 *
 * @throws the signal's reason when it has aborted
 */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}
