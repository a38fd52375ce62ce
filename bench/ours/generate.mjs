// @ts-check
import { generate, loadDecoder } from "posttrain/model";

/**
 * A turn is some greedy answers to all prompts at once; its outcome is how the last ones begin.
 *
 * @param {import("../types.js").GenerateTask} task
 * @returns {Promise<import("../types.js").RunTurn>}
 */
export async function prepareGeneration({ model, prompts, newTokens, compared }) {
  const decoder = await loadDecoder(model);
  return async (count) => {
    /** @type {number[][]} */
    let answers = [];
    for (let i = 0; i < count; i++) {
      ({ tokenIds: answers } = await generate(decoder, prompts, { maxNewTokens: newTokens, stopTokens: [] }));
    }
    const wrong = answers.find((answer) => answer.length !== newTokens);
    if (wrong) throw new Error(`an answer has ${wrong.length} tokens instead of ${newTokens}`);
    return answers.flatMap((answer) => answer.slice(0, compared));
  };
}
