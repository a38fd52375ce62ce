import { randomUUID } from "node:crypto";
import { type ProgressOptions, withProgress } from "../../progress/progress.js";
import type { Content } from "../wire/message.js";
import type { Cell } from "./cell.js";
import { DisplayHandle } from "./display-handle.js";

/** Finds the cell that the current code belongs to; throws when that cell has been cut off. */
export type RequireCell = () => Cell | undefined;

/** Trainers that were not given a signal listen to this one. */
const INTERRUPT = Symbol.for("posttrain.interrupt");

/** Defines what `ambient/cells/index.d.ts` promises to every cell. */
export function defineGlobals(requireCell: RequireCell): void {
  const outputs = () => {
    const cell = requireCell();
    if (!cell) throw new Error("Only a cell can show something");
    return cell.outputs;
  };

  const display = (value: unknown, options?: { id?: string; metadata?: Content }) =>
    new DisplayHandle(outputs().display(value, options), outputs);

  const progress = (items: Iterable<unknown> | AsyncIterable<unknown>, options: ProgressOptions = {}) => {
    const id = randomUUID();
    let shown = false;
    return withProgress(items, options, (bundle) => {
      outputs().show(bundle, id, shown);
      shown = true;
    });
  };

  const kernel = {
    get signal() {
      return requireCell()?.signal;
    },
    clearOutput: ({ wait = false } = {}) => outputs().publish("clear_output", { wait }),
  };

  for (const [name, value] of Object.entries({ display, progress, kernel }))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  Object.defineProperty(globalThis, INTERRUPT, { get: () => requireCell()?.signal, configurable: true });
}
