import { type ColumnTable, table } from "arquero";
import type { Adapter, Parameter, TransformerDecoder } from "../model/index.js";
import { isLora, requireDecoder } from "./require.js";

/** Bytes of a number in float32. */
const WIDTH = 4;

/**
 * Parameters and memory by part, before and during training with AdamW. Gradients and the optimizer's two running
 * means exist for trainable parameters only.
 *
 * @returns a row each for the base, every adapter, merged weights if there are any, gradients and optimizer, with the
 *   columns `part`, `parameters` and `trainable` (counts) and `bytes`, which count the remainders of weights that
 *   PiSSA and OLoRA keep too. What only lives for the length of a pass (activations) is not in it.
 */
export function parameterTable(model: TransformerDecoder): ColumnTable {
  requireDecoder(model);
  const all = model.parameters();
  const { attached, merged } = model.adapters;
  const added = new Set(attached.flatMap((adapter) => adapter.parameters()));
  const base = all.filter((parameter) => !added.has(parameter));
  const trainable = count(all.filter((parameter) => parameter.trainable));
  const rows = [
    part("base", base),
    ...attached.map((adapter) =>
      part(`adapter ${adapter.name}`, adapter.parameters(), isLora(adapter) ? frozenIn(adapter) : []),
    ),
    ...(merged
      ? [
          part(
            "merged weights",
            [],
            frozenIn(merged).filter((weight) => !added.has(weight)),
          ),
        ]
      : []),
    { part: "gradients", parameters: 0, trainable: 0, bytes: WIDTH * trainable },
    { part: "optimizer", parameters: 0, trainable: 0, bytes: 2 * WIDTH * trainable },
  ];
  return table({
    part: rows.map((row) => row.part),
    parameters: rows.map((row) => row.parameters),
    trainable: rows.map((row) => row.trainable),
    bytes: rows.map((row) => row.bytes),
  });
}

/** @param held what else it keeps in memory */
const part = (name: string, parameters: readonly Parameter[], held: readonly Parameter[] = []) => ({
  part: name,
  parameters: count(parameters),
  trainable: count(parameters.filter(({ trainable }) => trainable)),
  bytes: WIDTH * (count(parameters) + count(held)),
});

/** Frozen weights that take the place of the base's: remainders (PiSSA, OLoRA), or sums once merged. */
function frozenIn(adapter: Adapter): Parameter[] {
  const own = new Set(adapter.parameters());
  return [...adapter.substitutes.values()].filter((weight) => !own.has(weight));
}

const count = (parameters: readonly Parameter[]): number =>
  parameters.reduce((sum, { variable }) => sum + variable.size, 0);
