import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { LoraConfig } from "posttrain/lora";
import { modelPath } from "posttrain/model";
import { encode, loadTokenizer } from "posttrain/tokenizer";
import { SEED, type Workspace } from "./types.js";

const makeModel = fileURLToPath(new URL("ours/make-model.mjs", import.meta.url));
const corpus = new URL("../datasets/corpus/en/", import.meta.url);
const TEXT = "how-things-work.txt";

/** A temporary folder with the models that cases ask for, each made once. */
export class TemporaryWorkspace implements Workspace {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "posttrain-bench-"));
  readonly #made = new Map<string, Promise<string>>();

  freshModel(sizes: object): Promise<string> {
    return this.#make({ sizes, seed: SEED });
  }

  smolLm(): Promise<string> {
    return this.#make({ path: modelPath("smollm2-135m-instruct") });
  }

  smolLmAdapter(config: LoraConfig): Promise<string> {
    return this.#make({ path: modelPath("smollm2-135m-instruct"), adapter: config, seed: SEED });
  }

  async text(count: number, length: number): Promise<number[][]> {
    const tokenizer = await loadTokenizer(modelPath("smollm2-135m-instruct"));
    const tokens = encode(tokenizer, readFileSync(new URL(TEXT, corpus), "utf8"));
    return Array.from({ length: count }, (_, i) => tokens.slice(i * length, (i + 1) * length));
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** In a process of its own, so that ours and the reference begin alike. */
  #make(source: object): Promise<string> {
    const key = JSON.stringify(source);
    const known = this.#made.get(key);
    if (known) return known;
    const folder = path.join(this.#folder, String(this.#made.size));
    mkdirSync(folder);
    const made = promisify(execFile)(process.execPath, [makeModel, key, folder]).then(() => folder);
    this.#made.set(key, made);
    return made;
  }
}
