/** Where the main thread leaves {@link forgetContexts} for code that a debugger evaluates. */
export const FORGET_CONTEXTS = `globalThis[Symbol.for("posttrain.forgetContexts")]`;

/** Lets the debugger clear the stack of asynchronous contexts before it ends code that never returns. */
export function allowForgetting(): void {
  const { binding } = process as unknown as {
    binding?: (name: string) => { clearAsyncIdStack?: () => void };
  };
  const contexts = binding?.("async_wrap");
  Object.defineProperty(globalThis, Symbol.for("posttrain.forgetContexts"), {
    value: () => contexts?.clearAsyncIdStack?.(),
  });
}
