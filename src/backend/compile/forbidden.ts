import { Random } from "../random.js";
import { tf } from "../tf.js";
import type { Overrides } from "./overrides.js";
import type { CompileError, refusal } from "./refusal.js";

/** Remembers that something was refused, and gives the error to throw. */
type Refuse = (...details: Parameters<typeof refusal>) => CompileError;

/** A graph can neither make a variable nor dispose of one. */
export function refuseVariablesThatComeAndGo(overrides: Overrides, refuse: Refuse): void {
  const engine = tf.engine();
  overrides.replace(engine, "makeVariable", () => () => {
    throw refuse(
      "new-variable",
      "makes a variable",
      "Make it, or the optimizer that makes it, before the step.",
      "tf.variable",
    );
  });
  overrides.replace(engine, "disposeVariable", () => () => {
    throw refuse("dispose-variable", "disposes of a variable", "Do that outside.", "variable.dispose");
  });
}

/** A number drawn in JavaScript would be the same in every run. */
export function refuseRandomness(overrides: Overrides, refuse: Refuse): void {
  overrides.replace(Math, "random", () => () => {
    throw randomness(refuse, "Math.random");
  });
  overrides.replace(Random.prototype, "uniform", () => () => {
    throw randomness(refuse, "Random");
  });
}

/** @param source what draws, where tfjs is not in the middle of an operation */
export const randomness = (refuse: Refuse, source?: string): CompileError =>
  refuse(
    "randomness",
    "draws random numbers in JavaScript",
    "Draw them outside and pass them as an input.",
    source,
  );
