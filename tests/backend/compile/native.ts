import { type CompileRoute, nativeBackend, tf, useBackend } from "posttrain/backend";

/** Whether TensorFlow's library is here; without it there is nothing to compile to. */
export const hasNative: boolean = await useBackend("native").then(
  () => true,
  () => false,
);

/** The routes that this binding offers. The session's is there on every binding. */
export const ROUTES: Exclude<CompileRoute, "eager">[] = nativeBackend()?.binding.defineFunction
  ? ["func", "session"]
  : ["session"];

/** Frees every tensor that the body makes, also those it returns. */
export function freeing(body: () => unknown): void {
  tf.tidy(() => {
    body();
  });
}
