import { type Tensor, tf } from "../tf.js";
import { CompileError } from "./refusal.js";

/** Tensors by name. */
export type TensorRecord = Readonly<Record<string, Tensor>>;

const HINTS = {
  input: "Pass an object of tensors, and a number as tf.scalar(number).",
  result: "Return an object of tensors, such as { loss }, or {}. A step cannot wait for anything (async).",
};

/**
 * What a step is given or returns, without the entries that are undefined.
 *
 * @throws {CompileError} when it is anything but tensors by name
 */
export function tensorsOf(record: unknown, role: keyof typeof HINTS): TensorRecord {
  if (!isPlainObject(record)) throw noTensor(`the ${role}s`, record, "an object of tensors", role);
  const present = Object.entries(record).filter(([, value]) => value !== undefined);
  const wrong = present.find(([, value]) => !(value instanceof tf.Tensor));
  if (wrong) throw noTensor(`the ${role} ${wrong[0]}`, wrong[1], "a tensor", role);
  return Object.fromEntries(present) as TensorRecord;
}

/** Not a tensor, an array, a promise or a generator. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function noTensor(what: string, value: unknown, wanted: string, role: keyof typeof HINTS): CompileError {
  const found =
    typeof value === "object" && value !== null
      ? `an object (${value.constructor?.name ?? "no class"})`
      : String(value);
  return new CompileError(`${what} of a compiled step: ${found} where ${wanted} should be`, {
    code: "compile/no-tensor",
    value: what,
    hint: HINTS[role],
  });
}
