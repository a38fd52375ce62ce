import type { TensorFile } from "../files/index.js";
import { type Linear, moduleOf, type TransformerDecoder } from "../model/index.js";
import type { LoraConfig } from "./config.js";
import { AdapterError } from "./errors.js";
import { nearestNames } from "./nearest.js";
import { adaptedModule, TIED_HEAD_KEY } from "./peft-names.js";
import type { PeftConfig } from "./read-peft-config.js";
import { modulePaths, valueFor } from "./targets.js";

/**
 * Refuses an adapter that was made for another base.
 *
 * @throws {AdapterError} naming the module that the model lacks, or the shapes of the tensor and of what it should fit
 */
export function requireSameBase(model: TransformerDecoder, { path, tensors }: TensorFile): void {
  const linears = new Map(model.linears().map((linear) => [linear.path, linear]));
  for (const [key, { shape }] of tensors) {
    const module = adaptedModule(key);
    if (module === undefined) continue;
    const linear = linears.get(module);
    if (!linear) throw unknownModule(path, module, [...linears.keys()]);
    const problem = misfit(key, shape, linear);
    if (problem) throw otherBase(`${path}: ${problem}`, { key, shape, sizes: linear.sizes });
  }
}

/**
 * An adapter's configuration in terms of this model. PEFT lets names and patterns stand that match nothing, and
 * takes a module to be saved when its name merely ends so (`norm` is every layer norm).
 */
export function fittingConfig(
  model: TransformerDecoder,
  { config, modulesToSave }: PeftConfig,
  { path, tensors }: TensorFile,
): LoraConfig {
  const paths = model.linears().map((linear) => linear.path);
  const adapted = [...new Set([...tensors.keys()].flatMap((key) => adaptedModule(key) ?? []))];
  const { targetModules } = config;
  const isThere = (name: string) => paths.some((other) => other === name || other.endsWith(`.${name}`));
  const used = (pattern: Readonly<Record<string, number>> = {}) =>
    Object.fromEntries(
      Object.entries(pattern).filter(([key]) =>
        adapted.some((module) => valueFor({ [key]: 1 }, module) !== undefined),
      ),
    );
  const saved = modulePaths(model).filter((module) =>
    enclosing(module).some((outer) => modulesToSave.some((name) => outer.endsWith(name))),
  );
  const copiesEmbedding = saved.includes(moduleOf(model.parts.tokens.weight));
  if (model.config.tiedEmbeddings && copiesEmbedding && !tensors.has(TIED_HEAD_KEY)) throw untiedCopy(path);
  return {
    ...config,
    targetModules: Array.isArray(targetModules) ? targetModules.filter(isThere) : targetModules,
    modulesToSave: saved,
    rankPattern: used(config.rankPattern),
    alphaPattern: used(config.alphaPattern),
  };
}

/** The module itself and all that it lies within: `model.norm`, `model`. */
const enclosing = (module: string): string[] => {
  const parts = module.split(".");
  return parts.map((_, i) => parts.slice(0, parts.length - i).join("."));
};

function misfit(key: string, shape: readonly number[], { path, sizes }: Linear): string | undefined {
  const [rows, columns] = shape;
  if (key.includes(".lora_A.")) {
    if (shape.length === 2 && columns === sizes.in) return undefined;
    return `"${key}" is [${shape}], but ${path} takes ${sizes.in} numbers, which needs [${rows}, ${sizes.in}]`;
  }
  if (shape.length === 2 && rows === sizes.out) return undefined;
  return `"${key}" is [${shape}], but ${path} gives ${sizes.out} numbers, which needs [${sizes.out}, ${columns}]`;
}

/** Embedding and head are one weight in this model, but the adapter has changed only one of them. */
export const untiedCopy = (source: string): AdapterError =>
  new AdapterError(`${source} has a copy of the embedding that is not that of the output head too`, {
    code: "lora/untied-copy",
    value: source,
    hint: 'In this model both are one weight. In PEFT, train the copy with ensure_weight_tying=True, for GPT-2 with modules_to_save=["lm_head"].',
  });

const unknownModule = (source: string, module: string, known: readonly string[]): AdapterError =>
  otherBase(`${source} adapts ${module}, which this model does not have`, module, known);

function otherBase(problem: string, value: unknown, known?: readonly string[]): AdapterError {
  const nearest = known
    ? ` The nearest modules here are ${nearestNames(String(value), known).join(", ")}.`
    : "";
  return new AdapterError(problem, {
    code: "lora/other-base",
    value,
    hint: `The adapter was made for another model: load the base that its adapter_config.json names.${nearest}`,
  });
}
