/** How ggml packs numbers: `items` numbers share one block of `bytes` bytes. */
export interface GgufType {
  readonly name: string;
  readonly items: number;
  readonly bytes: number;
}

/**
 * The storage types of ggml by number. We dequantise F32, F16, BF16, Q8_0, Q4_0 and Q4_1;
 * the others are here so that a file that holds them can still be opened and its layout checked.
 *
 * @source ggml, `ggml.h` and `ggml-common.h`
 */
export const ggufTypes: ReadonlyMap<number, GgufType> = new Map([
  [0, { name: "F32", items: 1, bytes: 4 }],
  [1, { name: "F16", items: 1, bytes: 2 }],
  [2, { name: "Q4_0", items: 32, bytes: 18 }],
  [3, { name: "Q4_1", items: 32, bytes: 20 }],
  [6, { name: "Q5_0", items: 32, bytes: 22 }],
  [7, { name: "Q5_1", items: 32, bytes: 24 }],
  [8, { name: "Q8_0", items: 32, bytes: 34 }],
  [10, { name: "Q2_K", items: 256, bytes: 84 }],
  [11, { name: "Q3_K", items: 256, bytes: 110 }],
  [12, { name: "Q4_K", items: 256, bytes: 144 }],
  [13, { name: "Q5_K", items: 256, bytes: 176 }],
  [14, { name: "Q6_K", items: 256, bytes: 210 }],
  [24, { name: "I8", items: 1, bytes: 1 }],
  [25, { name: "I16", items: 1, bytes: 2 }],
  [26, { name: "I32", items: 1, bytes: 4 }],
  [27, { name: "I64", items: 1, bytes: 8 }],
  [28, { name: "F64", items: 1, bytes: 8 }],
  [30, { name: "BF16", items: 1, bytes: 2 }],
]);
