import { tf } from "../backend/tf.js";
import type { Parameter } from "../model/index.js";
import type { LoraAdapter } from "./adapter.js";
import { AdapterError } from "./errors.js";

/**
 * @param problem what to say of the first parameter that holds NaN or an infinity
 * @throws {AdapterError} when there is one
 */
export function requireFinite(
  parameters: readonly Pick<Parameter, "name" | "variable">[],
  problem: (name: string) => string,
): void {
  if (parameters.length === 0) return;
  const sound = tf.tidy(() =>
    tf.stack(parameters.map(({ variable }) => tf.all(tf.isFinite(variable)))).dataSync(),
  );
  const broken = parameters.find((_, i) => !sound[i]);
  if (!broken) return;
  throw new AdapterError(problem(broken.name), {
    code: "lora/not-finite",
    value: broken.name,
    hint: "The adapter is broken, perhaps by training that diverged: load it again or train it at a lower learning rate.",
  });
}

/** @throws {AdapterError} when the adapter's own weights are not finite */
export const requireFiniteAdapter = (adapter: LoraAdapter): void =>
  requireFinite(
    adapter.parameters(),
    (weight) => `the adapter "${adapter.name}" holds NaN or an infinity in ${weight}`,
  );
