import { type BenchCase, COMPILED, type MultiplyTask } from "../types.js";

/** The product of the widest projection of SmolLM2-135M, 4 × 128 tokens. */
const SIZES = { rows: 512, inner: 576, columns: 1536 };

/** What the processor does for both libraries before anything of ours or of transformers' has a part in it. */
export const multiplication: BenchCase = {
  name: "product",
  title: `one product, ${SIZES.rows} × ${SIZES.inner} × ${SIZES.columns}`,
  ...{ sides: [COMPILED], perTurn: 200, turns: 8, tolerance: 0, targets: {} },
  note: "the products of float32 matrices are Intel's MKL in PyTorch and oneDNN in TensorFlow. This row is those two on this processor, with nothing of ours or of transformers' in it: the other rows' ratios have it in them.",
  async task(): Promise<MultiplyTask> {
    return { kind: "multiply", ...SIZES };
  },
};
