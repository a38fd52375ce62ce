import type { LoraConfig } from "posttrain/lora";
import { type BenchCase, COMPILED, type TrainTask, type Workspace } from "../types.js";

const [ROWS, TIME] = [4, 128];
const ALL_LINEAR: LoraConfig = { r: 8, loraAlpha: 16, targetModules: "all-linear" };
const QUERY_VALUE: LoraConfig = { r: 8, loraAlpha: 16, targetModules: ["q_proj", "v_proj"] };

/** SFT steps of SmolLM2-135M: the second half of every row is the completion. */
export const smolLmSteps: BenchCase[] = [
  step("smollm2-step", "an SFT step, SmolLM2-135M"),
  step("smollm2-lora", "… LoRA r 8, all linear", ALL_LINEAR),
  step("smollm2-lora-qv", "… LoRA r 8, queries and values", QUERY_VALUE),
  ...[1, 64].map((r) => step(`smollm2-lora-rank-${r}`, `… LoRA r ${r}, all linear`, { ...ALL_LINEAR, r })),
];

function step(name: string, title: string, adapter?: LoraConfig): BenchCase {
  return {
    ...{ name, title: `${title}, ${ROWS} × ${TIME}` },
    ...{ sides: [COMPILED], perTurn: 1, turns: 8, tolerance: 1e-4, targets: { compiled: 1 } },
    growth:
      adapter && adapter.targetModules === "all-linear" ? [{ along: "rank", value: adapter.r ?? 8 }] : [],
    async task(workspace): Promise<TrainTask> {
      const rate = adapter ? 1e-4 : 1e-5;
      return {
        ...(await smolLmTask(workspace, rate)),
        ...(adapter && { adapter: await workspace.smolLmAdapter(adapter) }),
      };
    },
  };
}

async function smolLmTask(workspace: Workspace, learningRate: number): Promise<TrainTask> {
  const rows = await workspace.text(ROWS, TIME);
  const examples = rows.map((tokenIds) => ({
    tokenIds,
    mask: tokenIds.map((_, t) => (t < TIME / 2 ? 0 : 1)),
  }));
  return { kind: "train", model: await workspace.smolLm(), examples, time: TIME, learningRate };
}
