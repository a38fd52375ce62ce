import { modelPath } from "posttrain/model";
import { type BenchCase, COMPILED, type LoadTask, type Workspace } from "../types.js";

/** Reading SmolLM2-135M and predicting 16 tokens with it. */
export const loading: BenchCase[] = [
  load("smollm2-load-gguf", "load SmolLM2-135M, GGUF", async () => modelPath("smollm2-135m-instruct"), 0.2),
  load("smollm2-load-safetensors", "load SmolLM2-135M, safetensors", (workspace) => workspace.smolLm(), 1),
];

function load(
  name: string,
  title: string,
  model: (workspace: Workspace) => Promise<string>,
  target: number,
): BenchCase {
  return {
    ...{
      name,
      title,
      sides: [COMPILED],
      perTurn: 1,
      turns: 5,
      tolerance: 1e-4,
      targets: { compiled: target },
    },
    async task(workspace): Promise<LoadTask> {
      const [probe = []] = await workspace.text(1, 16);
      return { kind: "load", model: await model(workspace), probe };
    },
  };
}
