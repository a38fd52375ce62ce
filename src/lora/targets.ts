import type { Linear } from "../model/index.js";
import { moduleOf, type TransformerDecoder } from "../model/index.js";
import type { LoraConfig, ResolvedLoraConfig } from "./config.js";
import { AdapterError } from "./errors.js";
import { nearestNames } from "./nearest.js";

/** What PEFT adapts when no target is named. */
export const defaultTargets = ({ config }: TransformerDecoder): readonly string[] =>
  config.architecture === "gpt2" ? ["c_attn"] : ["q_proj", "v_proj"];

/**
 * The projections that a configuration adapts, in the order of the model. Modules that the adapter copies in full
 * are never adapted as well.
 *
 * @throws {AdapterError} for a target that matches nothing, naming those most like it, and for one that is no projection
 */
export function targetLinears(model: TransformerDecoder, config: ResolvedLoraConfig): Linear[] {
  const linears = model.linears();
  const { targetModules: targets, excludeModules: excluded, modulesToSave } = config;
  if (Array.isArray(targets)) for (const target of targets) requireProjection(model, linears, target);
  const isTarget =
    targets === "all-linear"
      ? (path: string) => path !== model.parts.head?.path
      : (path: string) => matches(targets, path);
  const isLeftOut = (path: string) =>
    (excluded && matches(excluded, path)) || modulesToSave.some((name) => isWithin(name, path));
  const found = linears.filter(({ path }) => isTarget(path) && !isLeftOut(path));
  if (found.length === 0) throw nothingFound(model, config);
  return found;
}

/**
 * Paths of the modules to copy in full: those named, and those within.
 *
 * @throws {AdapterError} for a name that matches no module
 */
export function modulesToCopy(model: TransformerDecoder, names: readonly string[]): string[] {
  const paths = modulePaths(model);
  for (const name of names) {
    if (!paths.some((path) => isWithin(name, path))) throw unknownModule("modulesToSave", name, paths);
  }
  return paths.filter((path) => names.some((name) => isWithin(name, path)));
}

/**
 * What a pattern gives for a module, if any of its keys is the end of the path.
 *
 * @param pattern `rankPattern` or `alphaPattern`
 */
export function valueFor(pattern: Readonly<Record<string, number>>, path: string): number | undefined {
  const key = Object.keys(pattern).find((key) => endMatches(key, path));
  return key === undefined ? undefined : pattern[key];
}

/** @throws {AdapterError} when a key of the pattern belongs to none of the adapted modules */
export function requireKeysUsed(
  option: string,
  pattern: Readonly<Record<string, number>>,
  paths: string[],
): void {
  for (const key of Object.keys(pattern)) {
    if (!paths.some((path) => endMatches(key, path))) throw unknownModule(option, key, paths);
  }
}

/** A list matches whole paths and their ends; a regular expression matches whole paths only. */
function matches(pattern: Exclude<LoraConfig["targetModules"], undefined>, path: string): boolean {
  if (pattern instanceof RegExp) return new RegExp(`^(?:${pattern.source})$`, pattern.flags).test(path);
  return [pattern].flat().some((name) => path === name || path.endsWith(`.${name}`));
}

/** Whether a module is one of this name or lies within one. */
const isWithin = (name: string, path: string): boolean => `.${path}.`.includes(`.${name}.`);

const endMatches = (key: string, path: string): boolean => new RegExp(`^(?:.*\\.)?(?:${key})$`).test(path);

/** Every module that has weights of its own. */
export const modulePaths = (model: TransformerDecoder): string[] => [
  ...new Set(
    model.parameters().flatMap((parameter) => {
      const isAdded = model.adapters.attached.some((adapter) => adapter.parameters().includes(parameter));
      return isAdded ? [] : [moduleOf(parameter)];
    }),
  ),
];

function requireProjection(model: TransformerDecoder, linears: readonly Linear[], target: string): void {
  if (linears.some(({ path }) => matches([target], path))) return;
  const other = modulePaths(model).find((path) => matches([target], path));
  if (other === undefined) {
    throw unknownModule(
      "targetModules",
      target,
      linears.map(({ path }) => path),
    );
  }
  const isEmbedding = [model.parts.tokens, model.parts.positions].some(
    (part) => part && moduleOf(part.weight) === other,
  );
  throw new AdapterError(
    `the target "${target}" is ${isEmbedding ? "an embedding" : "a norm"} (${other}), not a projection`,
    {
      code: "lora/not-a-projection",
      value: target,
      hint: `A low-rank product needs a matrix that is multiplied. Train it in full instead: modulesToSave: ["${target}"].`,
    },
  );
}

function unknownModule(option: string, name: string, paths: readonly string[]): AdapterError {
  const known = name.includes(".") ? paths : paths.map((path) => path.slice(path.lastIndexOf(".") + 1));
  const nearest = nearestNames(name, known);
  const tied = name.endsWith("lm_head")
    ? " In a model with tied embeddings the output head is the token embedding."
    : "";
  return new AdapterError(`${option}: no module is named "${name}"`, {
    code: "lora/unknown-module",
    value: name,
    hint: `The nearest names are ${nearest.join(", ")}.${tied}`,
  });
}

function nothingFound(model: TransformerDecoder, { targetModules }: ResolvedLoraConfig): AdapterError {
  const names = new Set(model.linears().map(({ path }) => path.slice(path.lastIndexOf(".") + 1)));
  const shown = targetModules instanceof RegExp ? String(targetModules) : JSON.stringify(targetModules);
  return new AdapterError(`targetModules ${shown} leave nothing to adapt`, {
    code: "lora/no-target",
    value: targetModules,
    hint: `A regular expression must match a whole path such as ${model.linears()[0]?.path}, and exclusions must leave something. The projections are ${[...names].join(", ")}.`,
  });
}
