import { type Tensor2D, tf } from "../backend/tf.js";
import { type LoraLayer, loraModules, mergedWeight } from "../lora/index.js";
import type { TransformerDecoder } from "../model/index.js";
import type { WeightChange } from "./change.js";
import { outIn } from "./snapshot.js";

/**
 * What an adapter does to the projections of a model, in the order of the model. A plain adapter's changes come as
 * the factors A and B, so nothing of the size of a weight is made to look at them. With DoRA, and with adapters that
 * start from a part of the weight itself (PiSSA, OLoRA), the change W − W₀ is no product of these factors and comes
 * as one matrix `[out, in]`.
 *
 * @param name of the adapter, at work or not @default "default"
 * @throws {AdapterError} when none has this name
 */
export const adapterChanges = (model: TransformerDecoder, name = "default"): WeightChange[] =>
  loraModules(model, name).map((layer) => {
    const { linear } = layer;
    const weight = linear.weight.variable as Tensor2D;
    const remainder = model.adapters.get(name)?.substitutes.get(linear.weight)?.variable as
      | Tensor2D
      | undefined;
    const isProduct = !layer.magnitude && !remainder;
    return {
      path: layer.path,
      before: () => outIn(linear, weight),
      change: () =>
        isProduct ? factorsOf(layer) : tf.tidy(() => outIn(linear, movedFrom(weight, layer, remainder))),
    };
  });

const factorsOf = ({ a, b, scale }: LoraLayer) => ({
  a: tf.clone(a.variable as Tensor2D),
  b: tf.clone(b.variable as Tensor2D),
  scale,
});

/** W − W₀ in the layout of the weight. */
const movedFrom = (weight: Tensor2D, layer: LoraLayer, remainder = weight): Tensor2D =>
  tf.sub(mergedWeight(layer, remainder), weight);
