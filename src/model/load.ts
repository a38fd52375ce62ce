import { readStoredNumbers } from "../backend/index.js";
import { type Tensor, tf } from "../backend/tf.js";
import { DataError } from "../errors.js";
import { buildDecoder } from "./build.js";
import type { TransformerDecoder } from "./decoder.js";
import { type Checkpoint, openCheckpoint } from "./files/index.js";
import type { Parameter } from "./parameter.js";

/**
 * Reads a decoder from disk: a folder with `config.json` and `model.safetensors` as transformers writes it
 * (GPT-2, Llama, Qwen2), or a GGUF file of the Llama or Qwen2 architecture. Quantised and 16-bit weights
 * become float32. The caller owns the decoder: free it with `dispose()`.
 *
 * @throws {DataError} when a file is missing or damaged, or a weight is missing, surplus or of the wrong shape;
 *   the error names it, and no tensor stays behind
 */
export async function loadDecoder(path: string): Promise<TransformerDecoder> {
  const checkpoint = openCheckpoint(path);
  const loaded = new Map<string, Parameter>();
  try {
    const decoder = buildDecoder(checkpoint.config, (name, shape) => {
      requireShape(checkpoint, name, shape);
      const variable = tf.tidy(() => tf.variable(readWeight(checkpoint, name, shape)));
      const parameter = { name, variable, trainable: true };
      loaded.set(name, parameter);
      return parameter;
    });
    requireNoOthers(checkpoint, loaded);
    return decoder;
  } catch (error) {
    for (const { variable } of loaded.values()) variable.dispose();
    throw error;
  } finally {
    checkpoint.close();
  }
}

function readWeight(checkpoint: Checkpoint, name: string, shape: number[]): Tensor {
  const stored = checkpoint.stored(name);
  const tensor = stored && readStoredNumbers(stored);
  // An operation, even one that changes nothing, makes the backend take the numbers over at once;
  // otherwise the host's copies of all weights would pile up until the first forward pass.
  return tensor ?? tf.reshape(tf.tensor(checkpoint.read(name), shape), shape);
}

function requireShape({ path, tensors }: Checkpoint, name: string, expected: number[]): void {
  const found = tensors.get(name)?.shape;
  if (!found) throw misfit(path, "missing-tensor", `has no weight "${name}"`, name);
  if (tf.util.arraysEqual([...found], expected)) return;
  const problem = `has "${name}" of shape [${found}], but its configuration asks for [${expected}]`;
  throw misfit(path, "wrong-shape", problem, name);
}

function requireNoOthers({ path, tensors }: Checkpoint, loaded: ReadonlyMap<string, Parameter>): void {
  const others = [...tensors.keys()].filter((name) => !loaded.has(name));
  if (others.length === 0) return;
  const problem = `has ${others.length} more weights than its configuration asks for: "${others[0]}"`;
  throw misfit(path, "surplus-tensor", others.length > 1 ? `${problem}, …` : problem, others);
}

const misfit = (path: string, kind: string, problem: string, value: unknown): DataError =>
  new DataError(`${path} ${problem}`, {
    code: `model/${kind}`,
    value,
    hint: "The file is incomplete, belongs to another model, or config.json was changed.",
  });
