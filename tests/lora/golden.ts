import { join } from "node:path";
import { type Tensor, type Tensor2D, tf } from "posttrain/backend";
import { openSafetensors } from "posttrain/files";
import { loadDecoder, type TransformerDecoder } from "posttrain/model";
import { afterEach, beforeEach } from "vitest";
import bases from "../golden/model.json";
import { goldenFolder } from "../model/helpers.js";

/** An adapter that golden/lora.py wrote, or the answers beside it. */
export const goldenAdapter = (name: string): string => join(import.meta.dirname, "../golden/lora", name);

/** The tensors of a file, owned by the caller. */
export function readTensors(file: string): Map<string, Tensor> {
  const { tensors, read, close } = openSafetensors(file);
  const found = [...tensors].map(([key, { shape }]): [string, Tensor] => [
    key,
    tf.tensor(read(key), [...shape]),
  ]);
  close();
  return new Map(found);
}

/** One of the tiny models of golden/model.py and the tokens that its numbers are of, fresh for every test. */
export function tinyBase() {
  let model: TransformerDecoder | undefined;
  let ids: Tensor2D | undefined;
  return {
    get model(): TransformerDecoder {
      return model as TransformerDecoder;
    },
    get ids(): Tensor2D {
      return ids as Tensor2D;
    },
    use(name: string): void {
      beforeEach(async () => {
        model = await loadDecoder(goldenFolder(name));
        const tokens = bases.tiny.find((each) => each.name === name)?.tokenIds ?? [];
        ids = tf.tensor2d(tokens, undefined, "int32");
      });
      afterEach(() => {
        model?.dispose();
        ids?.dispose();
      });
    },
  };
}
