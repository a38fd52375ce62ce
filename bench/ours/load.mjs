// @ts-check
import { tf } from "posttrain/backend";
import { loadDecoder } from "posttrain/model";
import { crossEntropy } from "posttrain/training";

/**
 * A turn reads the model from disk and predicts a short text with it, so that nothing can be put off; its outcome
 * is the loss on that text.
 *
 * @param {import("../types.js").LoadTask} task
 * @returns {Promise<import("../types.js").RunTurn>}
 */
export async function prepareLoading({ model, probe }) {
  return async (count) => {
    const losses = [];
    for (let i = 0; i < count; i++) {
      const decoder = await loadDecoder(model);
      const loss = tf.tidy(() => {
        const tokenIds = tf.tensor2d([probe], undefined, "int32");
        return crossEntropy(decoder.forward(tokenIds), tokenIds, tf.onesLike(tokenIds));
      });
      losses.push(...(await loss.data()));
      loss.dispose();
      decoder.dispose();
    }
    return losses;
  };
}
