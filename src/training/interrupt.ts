import { hostSignal } from "../backend/index.js";

/** The signal a trainer listens to: the one it was given, else the host's, if there is any. */
export const stopSignal = (given?: AbortSignal): AbortSignal | undefined => given ?? hostSignal();

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
