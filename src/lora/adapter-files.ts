import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../errors.js";
import { openSafetensors, type SafetensorsFile } from "../files/index.js";
import { type PeftConfig, readPeftConfig } from "./read-peft-config.js";

export const WEIGHTS_FILE = "adapter_model.safetensors";
export const CONFIG_FILE = "adapter_config.json";

/** The two files of an adapter, checked each by itself. Close the weights when done. */
export interface AdapterFiles {
  peft: PeftConfig;
  weights: SafetensorsFile;
}

/** @throws {DataError} when one of them is missing or damaged, or asks for a variant that this library does not compute */
export function openAdapter(folder: string): AdapterFiles {
  const [config, weights] = [join(folder, CONFIG_FILE), join(folder, WEIGHTS_FILE)];
  if (!existsSync(config)) throw missing(config, "A folder of PEFT's holds it beside the weights.");
  if (!existsSync(weights)) {
    const isPickled = existsSync(join(folder, "adapter_model.bin"));
    throw missing(
      weights,
      isPickled
        ? "adapter_model.bin is a Python pickle. Load it in Python and save it with safe_serialization=True."
        : "A folder of PEFT's holds it beside the configuration.",
    );
  }
  const peft = readPeftConfig(readJson(config), config);
  return { peft, weights: openSafetensors(weights) };
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new DataError(`${path} is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      code: "lora/bad-adapter-config",
      value: path,
      hint: "The file is damaged; download or write it again.",
      cause,
    });
  }
}

const missing = (path: string, hint: string): DataError =>
  new DataError(`there is no ${path}`, { code: "lora/missing-file", value: path, hint });
