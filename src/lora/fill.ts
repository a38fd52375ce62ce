import { tf } from "../backend/tf.js";
import { DataError } from "../errors.js";
import type { TensorFile } from "../files/index.js";
import type { TransformerDecoder } from "../model/index.js";
import type { LoraAdapter } from "./adapter.js";
import { AdapterError } from "./errors.js";
import { untiedCopy } from "./fitting.js";
import { canonicalKey, type NamedWeight, peftNames, TIED_HEAD_KEY } from "./peft-names.js";

/**
 * Gives an adapter the weights of a file. The file must hold exactly those that its configuration asks for.
 *
 * @throws {DataError} naming the tensor that is missing, surplus, not finite, or of another rank than was announced
 * @throws {AdapterError} for a copy of a weight that has another shape in the model
 */
export function fillAdapter(model: TransformerDecoder, adapter: LoraAdapter, file: TensorFile): void {
  const keys = new Map([...file.tensors.keys()].map((key) => [canonicalKey(key), key]));
  const weights = peftNames(model, adapter);
  requireNoOthers(model, adapter, file, new Set(weights.map(({ key }) => keys.get(key))));
  for (const weight of weights) {
    const key = keys.get(weight.key);
    if (key === undefined)
      throw unreadable(file, "missing-tensor", `has no tensor "${weight.key}"`, weight.key);
    requireShape(file, key, weight);
    const values = finite(file, key);
    if (model.config.tiedEmbeddings && key === TIED_HEAD_KEY) {
      const embedding = weights.find(({ parameter }) => parameter === weight.parameter);
      requireTied(file, embedding?.key, values);
    }
    const { variable } = weight.parameter;
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
}

function requireShape(file: TensorFile, key: string, { parameter }: NamedWeight): void {
  const found = file.tensors.get(key)?.shape ?? [];
  const expected = parameter.variable.shape;
  if (tf.util.arraysEqual([...found], expected)) return;
  if (/\.lora_[AB]\.weight$/.test(key)) {
    const problem = `has "${key}" of shape [${found}], but its configuration asks for [${expected}]`;
    throw unreadable(file, "wrong-rank", problem, { key, found, expected });
  }
  throw new AdapterError(`${file.path}: "${key}" is [${found}], but in this model it is [${expected}]`, {
    code: "lora/other-base",
    value: { key, found, expected },
    hint: "The adapter was made for another model: load the base that its adapter_config.json names.",
  });
}

function requireNoOthers(
  model: TransformerDecoder,
  adapter: LoraAdapter,
  file: TensorFile,
  wanted: ReadonlySet<string | undefined>,
): void {
  const others = [...file.tensors.keys()].filter(
    (key) => !wanted.has(key) && !repeatsBase(adapter, file, key),
  );
  if (others.length === 0) return;
  const known = new Set(model.parameters().map(({ name }) => `base_model.model.${name}`));
  const [first = ""] = others;
  const where =
    known.has(first) || /\.lora_|base_layer/.test(first) ? "its configuration asks for" : "this model has";
  const problem = `has ${others.length} more tensors than ${where}: "${first}"`;
  throw unreadable(file, "surplus-tensor", others.length > 1 ? `${problem}, …` : problem, others);
}

/** Embedding and head are one weight here, so a file's copies of them must agree. */
function requireTied(file: TensorFile, embedding: string | undefined, head: Float32Array): void {
  const values = embedding === undefined ? [] : file.read(embedding);
  if (head.every((value, i) => value === values[i])) return;
  throw untiedCopy(file.path);
}

/** PEFT adds the frozen weight of an adapted head, which we have: it must be the same. */
function repeatsBase(adapter: LoraAdapter, file: TensorFile, key: string): boolean {
  const path = /^base_model\.model\.(.+)\.base_layer\.weight$/.exec(key)?.[1];
  const linear = [...adapter.layers.keys()].find((each) => each.path === path);
  if (!linear) return false;
  const { variable } = linear.weight;
  const { shape } = file.tensors.get(key) ?? {};
  if (!tf.util.arraysEqual([...(shape ?? [])], variable.shape)) return false;
  const difference = tf.tidy(() =>
    tf.max(tf.abs(tf.sub(variable, tf.tensor(file.read(key), variable.shape)))).dataSync(),
  );
  return (difference[0] ?? Number.NaN) < 1e-6;
}

function finite(file: TensorFile, key: string): Float32Array {
  const values = file.read(key);
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return values;
  throw unreadable(file, "not-finite", `holds ${values[at]} in "${key}"`, { key, at });
}

const unreadable = ({ path }: TensorFile, kind: string, problem: string, value: unknown): DataError =>
  new DataError(`${path} ${problem}`, {
    code: `lora/${kind}`,
    value,
    hint: "The file is damaged, or adapter_config.json is that of another adapter: save or download both again.",
  });
