import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { PosttrainError } from "../../errors.js";
import { tf } from "../tf.js";

/** A step that cannot be compiled as it is. `value` holds the operation and the place in the code. */
export class CompileError extends PosttrainError {}

const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * The error for a step that would compute something else when compiled.
 *
 * @param what     what it does, to follow the operation's name: "draws random numbers in JavaScript"
 * @param fallback the operation's name where tfjs is not in the middle of one
 */
export function refusal(code: string, what: string, hint: string, fallback = "the step"): CompileError {
  const [called] = operationsUnderWay();
  const operation = called ? `tf.${called}` : fallback;
  const place = callingPlace();
  return new CompileError(
    `${operation} ${what}${place ? ` (at ${place})` : ""}, which a compiled step cannot do`,
    {
      code: `compile/${code}`,
      value: { operation, place },
      hint: `${hint} Or pass \`compile: false\`.`,
    },
  );
}

/** Names of the operations that are under way, the one that the step called first. */
export function operationsUnderWay(): string[] {
  const names = tf.engine().state.scopeStack.map(({ name }) => name);
  const operations = names.filter((name) => name.endsWith(tf.OP_SCOPE_SUFFIX));
  return operations.map((name) => name.slice(0, -tf.OP_SCOPE_SUFFIX.length));
}

/** `file:line:column` of the innermost call that is neither TensorFlow.js's nor the tracer's. */
function callingPlace(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  const stack = new Error().stack ?? "";
  Error.stackTraceLimit = stackTraceLimit;
  const frame = stack
    .split("\n")
    .slice(1)
    .find((line) => !/[\\/]@tensorflow[\\/]|\(node:|at node:|<anonymous>/.test(line) && !line.includes(HERE));
  const place = frame?.match(/\(?([^()\s]+:\d+:\d+)\)?$/)?.[1];
  return place?.startsWith("file:") ? decodeURI(place.slice("file://".length)) : place;
}
