import { type ColumnTable, table } from "arquero";
import type { Parameter, TransformerDecoder } from "../model/index.js";
import { requireDecoder } from "./require.js";

/** Bytes of a number in float32. */
const WIDTH = 4;

/**
 * Parameters and memory by part, before and during training with AdamW. Gradients and the optimizer's two running
 * means exist for trainable parameters only.
 *
 * @returns a row each for the base, every adapter, gradients and optimizer, with the columns `part`, `parameters`
 *   and `trainable` (counts) and `bytes`. What only lives for the length of a pass (activations) is not in it.
 */
export function parameterTable(model: TransformerDecoder): ColumnTable {
  requireDecoder(model);
  const all = model.parameters();
  const { attached } = model.adapters;
  const added = new Set(attached.flatMap((adapter) => adapter.parameters()));
  const base = all.filter((parameter) => !added.has(parameter));
  const trainable = count(all.filter((parameter) => parameter.trainable));
  const rows = [
    part("base", base),
    ...attached.map((adapter) => part(`adapter ${adapter.name}`, adapter.parameters())),
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

const part = (name: string, parameters: readonly Parameter[]) => ({
  part: name,
  parameters: count(parameters),
  trainable: count(parameters.filter(({ trainable }) => trainable)),
  bytes: WIDTH * count(parameters),
});

const count = (parameters: readonly Parameter[]): number =>
  parameters.reduce((sum, { variable }) => sum + variable.size, 0);
