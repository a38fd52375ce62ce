/** Where a host, such as our Jupyter kernel, puts the signal that aborts when the user interrupts it. */
const HOST_SIGNAL = Symbol.for("posttrain.interrupt");

/** The signal of the host, if there is one: what a long computation listens to when it is given none. */
export const hostSignal = (): AbortSignal | undefined =>
  (globalThis as { [HOST_SIGNAL]?: AbortSignal })[HOST_SIGNAL];
