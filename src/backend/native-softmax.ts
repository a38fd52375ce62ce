import { attribute, graphDef, nodeDef } from "./compile/graph-def.js";
import { functionProgram } from "./compile/program.js";
import { Recorder } from "./compile/recorder.js";
import type { NativeBackend } from "./native.js";
import { replaceKernel } from "./replace-kernel.js";
import { type Tensor, tf } from "./tf.js";

interface SoftmaxCall {
  inputs: { logits: Tensor };
  backend: NativeBackend;
}

/** oneDNN's operation takes no more axes. */
const MOST_AXES = 5;

/**
 * Makes `tf.softmax` outside a graph take the operation that TensorFlow puts in its place within one, so that a step
 * computes the same bits compiled and not. With oneDNN, TensorFlow takes oneDNN's Softmax in a graph and its own in a
 * single call; of all the operations of a training step only these two differ. oneDNN's is also the faster one where
 * there are many numbers.
 */
export function replaceSoftmax(): void {
  let isOneDnns: boolean | undefined;
  replaceKernel(tf.Softmax, "tensorflow", (stock) => (call) => {
    const { inputs, backend } = call as unknown as SoftmaxCall;
    const { logits } = inputs;
    const isFit = logits.dtype === "float32" && logits.rank <= MOST_AXES && !backend.isUsingGpuDevice;
    if (Recorder.current || !isFit) return stock(call);
    isOneDnns ??= rewritesSoftmax(backend);
    return isOneDnns ? softmaxOfOneDnn(backend, logits) : stock(call);
  });
}

function softmaxOfOneDnn(backend: NativeBackend, logits: Tensor): Tensor {
  const { TF_ATTR_TYPE, TF_FLOAT, TF_ATTR_STRING } = backend.binding;
  const attributes = [
    { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: "_kernel", type: TF_ATTR_STRING, value: "MklNameChangeOp" }, // marks what stands for TensorFlow's own
  ];
  return backend.executeSingleOutput("_MklSoftmax", attributes, [logits]);
}

/** Whether a graph's Softmax gives what oneDNN's gives, where the two are told apart: asked of a small one. */
function rewritesSoftmax(backend: NativeBackend): boolean {
  const { binding } = backend;
  if (!binding.defineFunction) return false;
  const type = attribute.type(binding.TF_FLOAT);
  const bytes = graphDef([
    nodeDef("x", "Placeholder", [], { dtype: type, shape: attribute.shape([8, 16]) }),
    nodeDef("y", "Softmax", ["x"], { T: type }),
  ]);
  const program = functionProgram(binding, { bytes, inputs: ["x"], outputs: ["y"] }, { xla: false });
  const x = tf.tensor2d(
    Float32Array.from({ length: 128 }, (_, i) => Math.sin(i)),
    [8, 16],
  );
  try {
    return tf.tidy(() => {
      const [inGraph] = program.run(backend.getInputTensorIds([x])).map((y) => backend.createOutputTensor(y));
      return `${softmaxOfOneDnn(backend, x).dataSync()}` === `${inGraph?.dataSync()}`;
    });
  } catch {
    return false; // TensorFlow without oneDNN
  } finally {
    x.dispose();
    program.dispose();
  }
}
