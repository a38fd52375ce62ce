import { Random } from "../backend/index.js";
import { type Tensor, tf } from "../backend/tf.js";
import { buildDecoder } from "./build.js";
import { type DecoderSizes, decoderConfig } from "./config.js";
import type { TransformerDecoder } from "./decoder.js";
import type { WeightRole } from "./weights.js";

export interface CreateOptions {
  /** Decides every initial weight. */
  seed: number;
}

/** Standard deviation of GPT-2's and Llama's initial weights. */
const DEVIATION = 0.02;

/**
 * A decoder with fresh weights: projections and embeddings normal with deviation 0.02, those that write into
 * the residual stream narrower by √(2·layers), so that its variance does not grow with depth; gains 1, biases 0.
 * The caller owns it: free it with `dispose()`.
 *
 * @throws {OptionError} naming the size that cannot be
 * @source Radford et al. 2019, section 2.3
 */
export function createDecoder(sizes: DecoderSizes, { seed }: CreateOptions): TransformerDecoder {
  const config = decoderConfig(sizes);
  const random = new Random(seed);
  return buildDecoder(config, (name, shape, role) => ({
    name,
    variable: tf.tidy(() => tf.variable(initial(role, shape, config.layers, random))),
    trainable: true,
  }));
}

function initial(role: WeightRole, shape: number[], layers: number, random: Random): Tensor {
  if (role === "gain") return tf.ones(shape);
  if (role === "bias") return tf.zeros(shape);
  const deviation = role === "residual" ? DEVIATION / Math.sqrt(2 * layers) : DEVIATION;
  const values = new Float32Array(tf.util.sizeFromShape(shape));
  for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal();
  return tf.tensor(values, shape);
}
