import { setImmediate } from "node:timers";
import vm from "node:vm";
import type { Interrupts } from "../wire/interrupts.js";
import { type Cell, owner } from "./cell.js";
import { InterruptedError } from "./interrupted.js";

const ARGUMENTS = Symbol.for("posttrain.cell");

/**
 * Runs a compiled cell and resolves to what its code returns; an interrupt rejects it.
 * The code starts from the event loop: should it have to be killed, nothing of the kernel is on its stack.
 *
 * @param parameters what the code finds under which name
 */
export function execute(
  cell: Cell,
  { code, isAsync, name }: { code: string; isAsync: boolean; name: string },
  parameters: Record<string, unknown>,
  interrupts: Interrupts,
): Promise<unknown> {
  // The code stays on the first line, so that lines in traces are lines of the compiled cell.
  const head = `(${isAsync ? "async " : ""}function (${Object.keys(parameters).join(", ")}) { `;
  const script = new vm.Script(`${head}${code}\n})(...globalThis[Symbol.for("posttrain.cell")])`, {
    filename: name,
  });
  const finished = new Promise((resolve, reject) => {
    setImmediate(() =>
      owner.run(cell, () => {
        Object.assign(globalThis, { [ARGUMENTS]: Object.values(parameters) });
        interrupts.breakable = true;
        try {
          resolve(script.runInThisContext({ breakOnSigint: true, displayErrors: false }));
        } catch (error) {
          const broken =
            (error as NodeJS.ErrnoException | undefined)?.code === "ERR_SCRIPT_EXECUTION_INTERRUPTED";
          if (broken) {
            interrupts.take();
            cell.interrupt();
          }
          reject(broken ? new InterruptedError() : error);
        } finally {
          interrupts.breakable = false;
        }
      }),
    );
  });
  return Promise.race([finished, cell.cutOff]);
}
