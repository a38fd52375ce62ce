import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NativeBinding, NativeTensor } from "../native.js";
import { savedModel } from "./graph-def.js";
import type { Encoded } from "./protobuf.js";

/** A graph that TensorFlow's library has taken in. */
export interface Program {
  /** Runs it on native tensors, in the order of the graph's inputs. */
  run(inputs: number[]): NativeTensor[];
  dispose(): void;
}

/** A graph and the names of the nodes that it starts from and ends in. */
export interface Graph {
  readonly bytes: Encoded;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** As a function of the eager context, called like any operation: tensors stay where they are. */
export function functionProgram(binding: NativeBinding, graph: Graph, { xla }: { xla: boolean }): Program {
  const name = `posttrain_${randomUUID().replaceAll("-", "")}`;
  const outputs = graph.outputs.map((node) => `${node}:0`);
  binding.defineFunction?.(name, Buffer.from(graph.bytes), graph.inputs.join(","), outputs.join(","));
  const attributes = xla ? [{ name: "_XlaMustCompile", type: binding.TF_ATTR_BOOL, value: true }] : [];
  return {
    run: (inputs) => binding.executeOp(name, attributes, inputs, outputs.length),
    dispose: () => binding.removeFunction?.(name),
  };
}

/** As a saved model with a session of its own: what the binding published with tfjs-node offers. */
export function sessionProgram(binding: NativeBinding, graph: Graph): Program {
  const folder = mkdtempSync(join(tmpdir(), "posttrain-step-"));
  try {
    writeFileSync(join(folder, "saved_model.pb"), savedModel(graph.bytes));
    const model = binding.loadSavedModel(folder, "serve");
    const names = (nodes: readonly string[]): string => nodes.map((node) => `${node}:0`).join(",");
    const [inputNames, outputNames] = [names(graph.inputs), names(graph.outputs)];
    return {
      run: (inputs) => binding.runSavedModel(model, inputs, inputNames, outputNames),
      dispose: () => binding.deleteSavedModel(model),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
