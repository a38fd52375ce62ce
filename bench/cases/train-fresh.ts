import { Random } from "posttrain/backend";
import {
  type BenchCase,
  COMPILED,
  EAGER,
  type Growth,
  type OurSide,
  SEED,
  type TrainTask,
  WASM,
} from "../types.js";

interface Shape {
  rows: number;
  time: number;
}

/** The 0.94 M GPT of the first notebook's size, and one of 26 M. */
const TINY = {
  architecture: "gpt2",
  vocabSize: 1024,
  contextLength: 256,
  hiddenSize: 128,
  layers: 4,
  heads: 4,
};
const MEDIUM = {
  architecture: "gpt2",
  vocabSize: 2048,
  contextLength: 256,
  hiddenSize: 512,
  layers: 8,
  heads: 8,
};

/**
 * Learning one batch by heart amplifies the last bit of a float: after 70 steps PyTorch with one thread is 1e-4 from
 * PyTorch with two. A wrong gradient shows in the second step, so the first steps are what tells.
 */
const COMPARED_STEPS = 30;

const wasmTarget = { compiled: 1, wasm: 8 };

/** One optimizer step of a fresh GPT that learns every token of random rows. */
export const freshSteps: BenchCase[] = [
  step(
    "tiny-step",
    "a step, GPT 0.94 M, 8 × 128",
    TINY,
    { rows: 8, time: 128 },
    [COMPILED, EAGER, WASM],
    5,
    wasmTarget,
  ),
  step("medium-step", "a step, GPT 26 M, 4 × 64", MEDIUM, { rows: 4, time: 64 }, [COMPILED, EAGER], 3),
  ...[64, 256].map((time) =>
    step(`tiny-step-time-${time}`, `a step, GPT 0.94 M, 8 × ${time}`, TINY, { rows: 8, time }, [COMPILED], 5),
  ),
  ...[2, 32].map((rows) =>
    step(
      `tiny-step-rows-${rows}`,
      `a step, GPT 0.94 M, ${rows} × 128`,
      TINY,
      { rows, time: 128 },
      [COMPILED],
      rows < 8 ? 15 : 5,
    ),
  ),
];

function step(
  name: string,
  title: string,
  sizes: typeof TINY,
  shape: Shape,
  sides: OurSide[],
  perTurn: number,
  targets: BenchCase["targets"] = { compiled: 1 },
): BenchCase {
  return {
    ...{ name, title, sides, perTurn, targets },
    turns: 12,
    tolerance: 1e-4,
    compared: COMPARED_STEPS,
    growth: sizes === TINY ? growthOf(shape) : [],
    async task(workspace): Promise<TrainTask> {
      const examples = randomRows(shape, sizes.vocabSize);
      const model = await workspace.freshModel(sizes);
      return { kind: "train", model, examples, time: shape.time, learningRate: 1e-4 };
    },
  };
}

/** The lines that vary one side of 8 × 128 and keep the other. */
function growthOf({ rows, time }: Shape): Growth[] {
  return [
    ...(rows === 8 ? [{ along: "tokens a row", value: time }] : []),
    ...(time === 128 ? [{ along: "rows", value: rows }] : []),
  ];
}

function randomRows({ rows, time }: Shape, vocabSize: number): TrainTask["examples"] {
  const random = new Random(SEED);
  return Array.from({ length: rows }, () => ({
    tokenIds: Array.from({ length: time }, () => random.integer(vocabSize)),
    mask: new Array<number>(time).fill(1),
  }));
}
