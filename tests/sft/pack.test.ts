import { type Tensor, tf, useBackend } from "posttrain/backend";
import { batchTensors, packExamples, sftLoss } from "posttrain/sft";
import { collate, onePerRow, type Row, valueAndGradients } from "posttrain/training";
import { beforeAll, describe, expect, it } from "vitest";
import golden from "../golden/sft.json";
import { countingExamples, tinyModel } from "./helpers.js";

beforeAll(async () => {
  await useBackend();
});

describe("packExamples", () => {
  const { lengths, rowLength, rows } = golden.packing;
  const examples = lengths.map((length) => ({
    tokenIds: new Array(length).fill(7),
    mask: new Array(length).fill(1),
  }));
  const packed = packExamples(examples, rowLength);

  it("fills rows as TRL's best-fit decreasing does", () => {
    const sizes = packed.map((row) => row.examples.map((index) => lengths[index]));
    const sorted = (all: (number | undefined)[][]) => all.map(String).sort();
    expect(sorted(sizes)).toEqual(sorted(rows));
  });

  it("holds every example once, whole, under a number of its own", () => {
    expect(packed.flatMap((row) => row.examples).sort((a, b) => a - b)).toEqual([...lengths.keys()]);
    for (const { tokenIds, segments, examples } of packed) {
      expect(tokenIds.length).toBeLessThanOrEqual(rowLength);
      examples.forEach((index, i) => {
        expect(segments?.filter((segment) => segment === i + 1)).toHaveLength(lengths[index] ?? 0);
      });
    }
  });

  it("refuses an example longer than a row, naming it", () => {
    expect(() => packExamples(examples, 60)).toThrow(/example 4 has 64 tokens/);
  });
});

describe("a packed batch", () => {
  it("has the loss and the gradients of its examples alone", () => {
    const model = tinyModel();
    const examples = countingExamples(12);
    const evaluate = (rows: Row[]) => {
      const batch = collate(rows, { rows: rows.length, maxLength: 32, padTokenId: 0 });
      return valueAndGradients(model.parameters(), () =>
        sftLoss(model, batchTensors(batch, batch.supervised)),
      );
    };
    const alone = evaluate(onePerRow(examples));
    const packedRows = packExamples(examples, 32);
    const packed = evaluate(packedRows);
    expect(packedRows.length).toBeLessThan(examples.length / 2);

    const difference = (a: Tensor, b: Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number;
    expect(difference(packed.loss, alone.loss)).toBeLessThan(1e-5);
    expect(Object.keys(packed.gradients)).toEqual(model.parameters().map(({ name }) => name));
    for (const [name, gradient] of Object.entries(packed.gradients)) {
      expect(difference(gradient, alone.gradients[name] as Tensor)).toBeLessThan(1e-5);
    }
  });
});
