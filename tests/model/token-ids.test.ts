import { type Tensor2D, tf, useBackend } from "posttrain/backend";
import { OptionError } from "posttrain/errors";
import { createDecoder } from "posttrain/model";
import { crossEntropy, tokenLogProbs } from "posttrain/training";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasNative } from "../backend/compile/native.js";
import { tiny } from "./helpers.js";

const VOCAB = 41;

/** Ids that were computed, so that only a device that shares the host's memory lets them be seen. */
const computed = (ids: Tensor2D): Tensor2D => tf.add(ids, tf.scalar(0, "int32"));

describe.each(
  hasNative ? (["native", "wasm", "cpu"] as const) : (["wasm", "cpu"] as const),
)("a token outside the vocabulary, on %s,", (backend) => {
  beforeAll(async () => {
    await useBackend(backend);
  });
  afterAll(async () => {
    await useBackend();
  });

  it.each([VOCAB, -1])("is refused by name and place: %d", (stranger) => {
    const decoder = createDecoder(tiny.llama, { seed: 1 });
    tf.tidy(() => {
      const ids = tf.tensor2d(
        [
          [1, 2, 3],
          [4, stranger, 5],
        ],
        undefined,
        "int32",
      );
      const message = `token ${stranger} at [1, 1] is not among the model's ${VOCAB}`;
      expect(() => decoder.forward(ids)).toThrow(OptionError);
      expect(() => decoder.hidden(ids)).toThrow(message);
      expect(() => tokenLogProbs(tf.zeros([2, 3, VOCAB]), ids)).toThrow(message);
      expect(() => crossEntropy(tf.zeros([2, 3, VOCAB]), ids, tf.ones([2, 3]))).toThrow(message);
      expect(() => decoder.forward(computed(ids))).toThrow(
        backend === "native" ? /the index value -?\d+ is not in/ : message,
      );
    });
    decoder.dispose();
  });
});
