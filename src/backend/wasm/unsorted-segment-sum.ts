import { type KernelCall, sizeOf, type TensorInfo } from "./heap.js";

/**
 * The gradient of a gather, which tfjs's WebAssembly backend lacks: rows with the same id are added up.
 *
 * $$ y_{s,j} = \sum_{i:\, \mathrm{id}_i = s} x_{i,j} $$
 *
 * Rows whose id lies outside `[0, numSegments)` are left out, as TensorFlow does.
 */
export function unsortedSegmentSum({
  backend,
  inputs: { x, segmentIds },
  attrs: { numSegments },
}: KernelCall<"x" | "segmentIds", { numSegments: number }>): TensorInfo {
  const rows = sizeOf(segmentIds.shape);
  const width = rows === 0 ? 0 : sizeOf(x.shape) / rows;
  const output = backend.makeOutput([numSegments, ...x.shape.slice(segmentIds.shape.length)], x.dtype);
  const sums = backend.typedArrayFromHeap(output).fill(0); // [segments, width]
  const values = backend.typedArrayFromHeap(x); //            [rows, width]
  const ids = backend.typedArrayFromHeap(segmentIds); //      [rows]
  for (let row = 0; row < rows; row++) {
    const segment = ids[row] as number;
    if (segment < 0 || segment >= numSegments) continue;
    const from = row * width;
    const to = segment * width;
    for (let j = 0; j < width; j++) sums[to + j] = (sums[to + j] as number) + (values[from + j] as number);
  }
  return output;
}
