import { type BenchCase, COMPILED, type TrainTask } from "../types.js";

const [ROWS, TIME] = [4, 128];

/** One SFT step of all weights: the second half of every row is the completion. */
export const smolLmStep: BenchCase = {
  name: "smollm2-step",
  title: "an SFT step, SmolLM2-135M, 4 × 128",
  sides: [COMPILED],
  perTurn: 1,
  turns: 8,
  tolerance: 1e-4,
  targets: { compiled: 1 },
  async task(workspace): Promise<TrainTask> {
    const rows = await workspace.text(ROWS, TIME);
    const examples = rows.map((tokenIds) => ({
      tokenIds,
      mask: tokenIds.map((_, t) => (t < TIME / 2 ? 0 : 1)),
    }));
    return { kind: "train", model: await workspace.smolLm(), examples, time: TIME, learningRate: 1e-5 };
  },
};
