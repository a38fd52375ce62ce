/** Where the main thread leaves a function for the debugger to call. */
export const FORGET_CONTEXTS = `globalThis[Symbol.for("posttrain.forgetContexts")]`;

interface AsyncWrap {
  clearAsyncIdStack(): void;
}

/** Lets the debugger clear Node's stack of asynchronous contexts before it ends code that never returns. */
export function allowForgetting(): void {
  const contexts = asyncWrap();
  Object.defineProperty(globalThis, Symbol.for("posttrain.forgetContexts"), {
    value: () => contexts?.clearAsyncIdStack(),
  });
}

/** Node 24 keeps contexts elsewhere: there is no such stack to clear, and the binding is not to be had. */
function asyncWrap(): AsyncWrap | undefined {
  try {
    return (process as unknown as { binding(name: string): AsyncWrap }).binding("async_wrap");
  } catch {
    return undefined;
  }
}
