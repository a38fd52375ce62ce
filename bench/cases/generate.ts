import { type BenchCase, COMPILED, type GenerateTask } from "../types.js";

/** Greedy answers of 60 tokens to prompts of 97 tokens. Their first 20 tokens must be the same on both sides. */
export const generation: BenchCase[] = [1, 8].map((batch) => ({
  name: `smollm2-generate-${batch}`,
  title: `97 + 60 tokens, SmolLM2-135M, batch ${batch}`,
  sides: [COMPILED],
  perTurn: 1,
  turns: 8,
  tolerance: 0,
  targets: { compiled: 1 },
  async task(workspace): Promise<GenerateTask> {
    const prompts = await workspace.text(batch, 97);
    return { kind: "generate", model: await workspace.smolLm(), prompts, newTokens: 60, compared: 20 };
  },
}));
