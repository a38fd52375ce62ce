import { OptionError } from "../errors.js";
import type { LoraConfig, ResolvedLoraConfig } from "./config.js";
import { nearestNames } from "./nearest.js";

const NAMES = 'List the names of modules, such as ["q_proj", "v_proj"], or pass a regular expression';

/** @throws {OptionError} when it is no object, or has an option that does not exist, naming those most like it */
export function requireKnownOptions(config: LoraConfig, known: readonly string[]): void {
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw badOption("the configuration", config, "Pass options by name, such as { r: 8, loraAlpha: 16 }.");
  }
  for (const name of Object.keys(config)) {
    if (known.includes(name)) continue;
    throw new OptionError(`LoRA has no option ${JSON.stringify(name)}`, {
      code: "lora/unknown-option",
      value: name,
      hint: `The nearest are ${nearestNames(name, known).join(", ")}.`,
    });
  }
}

/** @throws {OptionError} naming the first option outside its domain */
export function requireValid(config: ResolvedLoraConfig): void {
  const { r, loraAlpha, loraDropout, targetModules, excludeModules, modulesToSave } = config;
  requireOption("r", r, isRank(r), "The rank is a whole number of at least 1.");
  requireOption("loraAlpha", loraAlpha, isAlpha(loraAlpha), "α is a number above 0.");
  const isRate = typeof loraDropout === "number" && loraDropout >= 0 && loraDropout < 1;
  requireOption("loraDropout", loraDropout, isRate, "Pass the share to drop: at least 0 and below 1.");

  const isTarget = targetModules === "all-linear" || isPattern(targetModules);
  requireOption("targetModules", targetModules, isTarget, `${NAMES}, or "all-linear".`);
  const excludes = excludeModules === undefined || isPattern(excludeModules);
  requireOption("excludeModules", excludeModules, excludes, `${NAMES}.`);
  const hint = 'List the names of modules, such as ["norm"].';
  requireOption("modulesToSave", modulesToSave, isNames(modulesToSave), hint);

  requirePattern("rankPattern", config.rankPattern, isRank, "A rank is a whole number of at least 1.");
  requirePattern("alphaPattern", config.alphaPattern, isAlpha, "α is a number above 0.");
  requireOneOf("initLoraWeights", config.initLoraWeights, ["kaiming", "gaussian", "pissa", "olora"]);
  requireOneOf("bias", config.bias, ["none", "all", "lora_only"]);
  for (const name of ["useRslora", "useDora"] as const) {
    requireOption(name, config[name], typeof config[name] === "boolean", "Pass true or false.");
  }
}

/** Whether a key of `rankPattern` or `alphaPattern` can be matched with paths. */
export function isExpression(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}

const isRank = (r: unknown): boolean => Number.isInteger(r) && (r as number) >= 1;
const isAlpha = (alpha: unknown): boolean => Number.isFinite(alpha) && (alpha as number) > 0;
const isNames = (value: unknown): boolean =>
  Array.isArray(value) && value.every((name) => typeof name === "string" && name !== "");
const isPattern = (value: unknown): boolean => value instanceof RegExp || isNames(value);

function requirePattern(
  name: string,
  pattern: unknown,
  isValue: (value: unknown) => boolean,
  hint: string,
): void {
  const isRecord = typeof pattern === "object" && pattern !== null && !Array.isArray(pattern);
  requireOption(name, pattern, isRecord, "Pass an object of values by module, such as { q_proj: 4 }.");
  for (const [key, value] of Object.entries(pattern as object)) {
    requireOption(`a key of ${name}`, key, isExpression(key), "It must be a name or a regular expression.");
    requireOption(`${name}["${key}"]`, value, isValue(value), hint);
  }
}

function requireOneOf(name: string, value: string, known: readonly string[]): void {
  requireOption(name, value, known.includes(value), `Choose one of ${known.join(", ")}.`);
}

function requireOption(name: string, value: unknown, isGood: boolean, hint: string): void {
  if (!isGood) throw badOption(name, value, hint);
}

function badOption(name: string, value: unknown, hint: string): OptionError {
  const shown = typeof value === "number" ? String(value) : JSON.stringify(value);
  return new OptionError(`${name} cannot be ${shown}`, { code: "lora/bad-config", value, hint });
}
