import { modelPath } from "posttrain/model";
import { type BenchCase, COMPILED, type LoadTask, type Workspace } from "../types.js";

const NOTE =
  "PyTorch maps the file and copies nothing: its weights are the operating system's pages, and what it takes is a little " +
  "Python and the first forward pass. We copy every weight once, from the mapped pages into memory that may be " +
  "written to, in TensorFlow's own threads: about half of our time, most of it page faults; reading through JavaScript " +
  "took three times as long. The other half is the forward pass of the 16 tokens, which alone takes over half as " +
  "long as PyTorch needs for all, so that 0.2 is out of reach. Views of the mapped pages would save the copy, but " +
  "crash the process when an optimizer changes them in place or the file is cut.";

/**
 * Reading SmolLM2-135M and predicting 16 tokens with it, so that no weight can be left on disk. Both sides have
 * loaded it before: libraries and files are in memory.
 */
export const loading: BenchCase[] = [
  load("smollm2-load-gguf", "load SmolLM2-135M, GGUF", async () => modelPath("smollm2-135m-instruct")),
  load("smollm2-load-safetensors", "load SmolLM2-135M, safetensors", (workspace) => workspace.smolLm(), NOTE),
];

function load(
  name: string,
  title: string,
  model: (workspace: Workspace) => Promise<string>,
  note?: string,
): BenchCase {
  return {
    ...{
      name,
      title,
      sides: [COMPILED],
      perTurn: 1,
      turns: 5,
      tolerance: 1e-4,
      targets: { compiled: 0.2 },
    },
    ...(note && { note }),
    async task(workspace): Promise<LoadTask> {
      const [probe = []] = await workspace.text(1, 16);
      return { kind: "load", model: await model(workspace), probe };
    },
  };
}
