import { OptionError } from "../errors.js";
import type { Parameter } from "../model/index.js";

/**
 * The learning rate of each parameter as a multiple of the optimizer's: B learns faster than A.
 *
 * $$ \eta_B = \lambda\, \eta_A \tag{LORA-6} $$
 *
 * ```ts
 * trainSft({ model, examples, learningRate: 1e-4, rateFactor: loraPlus(16) });
 * ```
 *
 * @param ratio λ, 1 or more; the paper finds 16 a good choice
 * @throws {OptionError} when the ratio is not a number above 0
 * @source Hayou et al. 2024 (LoRA+), section 4
 */
export function loraPlus(ratio: number): (parameter: Parameter) => number {
  if (!(ratio > 0 && Number.isFinite(ratio))) {
    throw new OptionError(`the ratio of the two learning rates cannot be ${ratio}`, {
      code: "lora/bad-ratio",
      value: ratio,
      hint: "Pass how many times faster B learns than A, such as 16.",
    });
  }
  return ({ name }) => (/\.lora_B\.[^.]+\.weight$/.test(name) ? ratio : 1);
}
