import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DataError, OptionError } from "../errors.js";

/** Models that the course uses. */
export type ModelName = "smollm2-135m-instruct" | "all-minilm-l6-v2" | "posttrain-base";

const downloaded: ReadonlyMap<string, string> = new Map([
  ["smollm2-135m-instruct", "smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"],
  ["all-minilm-l6-v2", "all-minilm-l6-v2"],
]);
const shipped: ReadonlyMap<string, string> = new Map([["posttrain-base", "../../datasets/base-model"]]);

/**
 * Where a model of the course lies: a GGUF file for `smollm2-135m-instruct`, a folder for the others.
 * Downloads are kept in `$POSTTRAIN_CACHE`, by default `$XDG_CACHE_HOME/posttrain` or `~/.cache/posttrain`.
 *
 * @throws {OptionError} for a name that is not one of the three
 * @throws {DataError} when the model has not been downloaded yet
 */
export function modelPath(name: ModelName): string {
  const path = placeOf(name);
  if (existsSync(path)) return path;
  throw new DataError(`the model ${name} is not at ${path}`, {
    code: "model/not-downloaded",
    value: path,
    hint: "`npm start` sets everything up, the models included; POSTTRAIN_CACHE names another folder to look in.",
  });
}

function placeOf(name: string): string {
  const inCache = downloaded.get(name);
  if (inCache !== undefined) return join(cacheFolder(), "models", inCache);
  const inRepository = shipped.get(name);
  if (inRepository !== undefined) return fileURLToPath(new URL(inRepository, import.meta.url));
  throw new OptionError(`there is no model called ${JSON.stringify(name)}`, {
    code: "model/unknown-model",
    value: name,
    hint: `Known names: ${[...downloaded.keys(), ...shipped.keys()].join(", ")}; for any other, give loadDecoder its path.`,
  });
}

function cacheFolder(): string {
  const { POSTTRAIN_CACHE, XDG_CACHE_HOME } = process.env;
  if (POSTTRAIN_CACHE) return POSTTRAIN_CACHE;
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "posttrain");
}
