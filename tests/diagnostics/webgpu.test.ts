import { type Tensor2D, tf, useBackend } from "posttrain/backend";
import {
  adapterSimilarity,
  amplificationTable,
  intruderTable,
  normTable,
  rankTable,
  spectra,
} from "posttrain/diagnostics";
import { afterAll, describe, expect, it } from "vitest";
import { whyNoWebGpu } from "../backend/webgpu-here.js";
import { changeOf, golden, rowsOf, wholeChangeOf } from "./golden.js";

const reason = await whyNoWebGpu();
afterAll(async () => {
  await useBackend();
});

describe.skipIf(reason)("on webgpu, which reads no tensor at once", () => {
  /** On the device and nowhere else, as what training leaves is. */
  const onDevice = (tensor: Tensor2D): Tensor2D => tf.tidy(() => tf.mul(tensor, 1));

  it("every table has the numbers it has elsewhere", async () => {
    for (const item of golden.factors) {
      const [factors, whole] = [changeOf(item), wholeChangeOf(item)];
      const weights = [factors, whole].map((weight) => ({
        ...weight,
        before: () => onDevice((weight.before as () => Tensor2D)()),
      }));
      for (const { rank, stable_rank } of rowsOf<Record<string, number>>(rankTable(await spectra(weights)))) {
        expect(rank).toBe(item.rank);
        expect(stable_rank).toBeCloseTo(item.measures.stableRank, 3);
      }
      for (const { frobenius_norm } of rowsOf<Record<string, number>>(await normTable(weights))) {
        expect(frobenius_norm).toBeCloseTo(item.measures.frobeniusNorm, 3);
      }
      const amplified = await amplificationTable(weights, { rank: item.rank });
      for (const { amplification } of rowsOf<Record<string, number>>(amplified)) {
        expect(amplification).toBeCloseTo(item.amplification.amplification ?? 0, 3);
      }
      for (const { index, similarity } of rowsOf<Record<string, number>>(
        await intruderTable(weights, { top: 2 }),
      )) {
        expect(similarity).toBeCloseTo(item.similarity[(index ?? 0) - 1] ?? 0, 3);
      }
      const self = await adapterSimilarity(weights.slice(0, 1), weights.slice(0, 1), { directions: "B" });
      for (const { similarity } of rowsOf<Record<string, number>>(self)) expect(similarity).toBeCloseTo(1, 3);
    }
  });
});
