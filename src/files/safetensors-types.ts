/**
 * Bytes of one number of each storage type, in the order of the format's own list:
 * tensors are laid out by it, latest first, so that wide numbers are aligned.
 *
 * @source safetensors, `Dtype` in `tensor.rs`
 */
export const bytesOf: ReadonlyMap<string, number> = new Map([
  ["BOOL", 1],
  ["U8", 1],
  ["I8", 1],
  ["F8_E5M2", 1],
  ["F8_E4M3", 1],
  ["I16", 2],
  ["U16", 2],
  ["F16", 2],
  ["BF16", 2],
  ["I32", 4],
  ["U32", 4],
  ["F32", 4],
  ["C64", 8],
  ["F64", 8],
  ["I64", 8],
  ["U64", 8],
]);

/** Place in the list above. */
export const rankOf = (dtype: string): number => [...bytesOf.keys()].indexOf(dtype);

/** Header bytes that the reference accepts at most. */
export const largestHeader = 100_000_000;
