/** Prints the most memory that a few compiled steps held, in MB. Usage: recompute-child.ts plain|checkpointed */
import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { compileStep, type Scalar, type Tensor, type Tensor2D, tf, useBackend } from "posttrain/backend";
import { createDecoder } from "posttrain/model";
import { valueAndGradients } from "posttrain/training";

await useBackend("native");
const gradientCheckpointing = argv[2] === "checkpointed";
const decoder = createDecoder(
  { architecture: "llama", vocabSize: 23, contextLength: 512, hiddenSize: 16, layers: 24, heads: 4 },
  { seed: 1 },
);
const step = compileStep<{ tokenIds: Tensor2D }, Record<string, Tensor>>(({ tokenIds }) => {
  const { loss, gradients } = valueAndGradients(decoder.parameters(), () => ({
    loss: tf.mean(tf.square(decoder.forward(tokenIds, { gradientCheckpointing }))) as Scalar,
  }));
  return { loss, ...gradients };
});
const tokenIds = tf.ones<tf.Rank.R2>([2, 512], "int32");
for (let i = 0; i < 3; i++) tf.dispose(step({ tokenIds }));
const [, peak] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
console.log(Number(peak) / 1024);
