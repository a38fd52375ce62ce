import type { Tensor } from "../backend/tf.js";
import { OptionError, ShapeError } from "../errors.js";
import { requireKnownTokens } from "../model/index.js";

/** @throws {OptionError} unless the tensor holds int32 token ids of the vocabulary, as far as that can be seen */
export function requireTokenIds(tensor: Tensor, name: string, vocabSize: number): void {
  if (tensor.dtype !== "int32") {
    throw new OptionError(`${name} must hold int32 token ids, not ${tensor.dtype}`, {
      code: "training/wrong-dtype",
      value: tensor.dtype,
      hint: `Make the tensor with dtype "int32", for example tf.tensor2d(ids, undefined, "int32").`,
    });
  }
  requireKnownTokens(tensor, vocabSize);
}

/** @throws {ShapeError} unless the shape is the expected one, naming both */
export function requireShape(tensor: Tensor, name: string, expected: readonly number[], axes: string): void {
  if (tensor.shape.length === expected.length && expected.every((size, axis) => tensor.shape[axis] === size))
    return;
  throw new ShapeError(`${name} must have shape [${axes}] = [${expected}], not [${tensor.shape}]`, {
    code: "training/wrong-shape",
    value: tensor.shape,
    hint: "Logits, token ids and mask describe the same batch: [batch, time, vocab], [batch, time] and [batch, time].",
  });
}

/** @throws {OptionError} unless `least ≤ value < most` */
export function requireRange(
  name: string,
  value: number,
  least: number,
  most = Number.POSITIVE_INFINITY,
): void {
  if (value >= least && value < most) return;
  throw new OptionError(`${name} must be in [${least}, ${most}), not ${value}`, {
    code: "training/option-out-of-range",
    value,
    hint: `Pass a number of at least ${least}${most === Number.POSITIVE_INFINITY ? "" : ` and below ${most}`}.`,
  });
}

/** @throws {OptionError} unless the value is a whole number of at least `least` */
export function requireCount(name: string, value: number, least = 1): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new OptionError(`${name} must be a whole number of at least ${least}, not ${value}`, {
    code: "training/option-out-of-range",
    value,
    hint: `Pass ${least} or more.`,
  });
}
