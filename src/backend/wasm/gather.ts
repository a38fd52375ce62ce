import { PosttrainError } from "../../errors.js";
import { tf } from "../tf.js";
import { type KernelCall, sizeOf, type TensorInfo } from "./heap.js";

interface GatherAttributes {
  readonly axis: number;
  readonly batchDims?: number;
}
type GatherCall = KernelCall<"x" | "indices", GatherAttributes>;

/**
 * A gather with batch dimensions, for which tfjs's WebAssembly kernel returns wrong numbers without a word:
 * $y_{b,o,i,s} = x_{b,o,\mathrm{index}_{b,i},s}$. Gathers without batch dimensions stay with the stock kernel.
 *
 * @throws {PosttrainError} when an index lies outside the gathered axis
 */
export const gather =
  (stock: (call: GatherCall) => TensorInfo) =>
  (call: GatherCall): TensorInfo => {
    const { backend, inputs, attrs } = call;
    const { x, indices } = inputs;
    if (!attrs.batchDims) return stock(call);

    const axis = attrs.axis < 0 ? attrs.axis + x.shape.length : attrs.axis;
    const batchDims = attrs.batchDims < 0 ? attrs.batchDims + indices.shape.length : attrs.batchDims;
    const { batchSize, outerSize, dimSize, sliceSize, outputShape } =
      tf.backend_util.segment_util.collectGatherOpShapeInfo(
        x as tf.Tensor,
        indices as tf.Tensor,
        axis,
        batchDims,
      );
    const perBatch = sizeOf(indices.shape) / batchSize;

    const output = backend.makeOutput(outputShape, x.dtype);
    const target = backend.typedArrayFromHeap(output); // [batch, outer, perBatch, slice]
    const source = backend.typedArrayFromHeap(x); //      [batch, outer, dim, slice]
    const index = backend.typedArrayFromHeap(indices); // [batch, perBatch]
    let to = 0;
    for (let batch = 0; batch < batchSize; batch++) {
      for (let outer = 0; outer < outerSize; outer++) {
        const block = (batch * outerSize + outer) * dimSize;
        for (let i = 0; i < perBatch; i++, to += sliceSize) {
          const at = index[batch * perBatch + i] as number;
          if (at < 0 || at >= dimSize) throw outOfRange(at, dimSize);
          const from = (block + at) * sliceSize;
          target.set(source.subarray(from, from + sliceSize), to);
        }
      }
    }
    return output;
  };

const outOfRange = (index: number, length: number): PosttrainError =>
  new PosttrainError(`gather: index ${index} is not in [0, ${length - 1}]`, {
    code: "backend/gather-index",
    value: index,
    hint: "Every index must lie inside the axis that is gathered.",
  });
