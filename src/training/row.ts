/** An example in tokens, with the ones to learn marked. */
export interface TokenizedExample {
  readonly tokenIds: readonly number[];
  /** As long as `tokenIds`: 1 for a token that the model learns to write, 0 for one that it only reads. */
  readonly mask: readonly number[];
}

/** One row of a batch: an example, or several packed one behind the other. */
export interface Row extends TokenizedExample {
  /** The number of the example that each token belongs to, from 1. Only packed rows have it. */
  readonly segments?: readonly number[];
  /** Which examples of the data set the row holds. */
  readonly examples: readonly number[];
}

/** Every example in a row of its own. */
export const onePerRow = (examples: readonly TokenizedExample[]): Row[] =>
  examples.map(({ tokenIds, mask }, index) => ({ tokenIds, mask, examples: [index] }));
