import { owner } from "./cell.js";

/** Thrown by `process.exit()` in a cell: it ends the cell, not the kernel with everything defined so far. */
export class CellExit extends Error {
  override readonly name = "CellExit";

  constructor(readonly code: number) {
    super(`process.exit(${code}) ended the cell; to end the kernel, shut it down.`);
  }
}

/** Keeps code in cells from ending the process; the kernel's own code still can. */
export function guardExit(): void {
  const exit = process.exit;
  process.exit = (code) => {
    if (owner.getStore()) throw new CellExit(Number(code ?? process.exitCode ?? 0));
    return exit.call(process, code);
  };
}
