/** A model that trains within a second, and what it learns. */
export const sizes = { vocabSize: 32, contextLength: 16, hiddenSize: 16, layers: 2, heads: 2 } as const;

/** The third number is the sum of the two before it, modulo 32; then comes the end. */
export const examples = Array.from({ length: 32 }, (_, i) => {
  const [a, b] = [2 + (i % 5), 3 + (i % 7)];
  return { tokenIds: [1, a, b, a + b, 31], mask: [0, 0, 0, 1, 1] };
});
