/** The one TensorFlow.js that the whole library computes with. Import it from here, never from the package. */

export type {
  Rank,
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
  Tensor4D,
  Variable,
} from "@tensorflow/tfjs";
export * as tf from "@tensorflow/tfjs";
