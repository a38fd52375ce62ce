/** Thrown into a cell that the user has interrupted. */
export class InterruptedError extends Error {
  override readonly name = "Interrupted";

  constructor() {
    super("The cell was interrupted; everything defined so far is still there.");
  }
}
