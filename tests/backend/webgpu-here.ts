import { existsSync } from "node:fs";
import { BackendError, useBackend } from "posttrain/backend";

const IN_CHROMIUM = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** Why WebGPU cannot be tested on this machine, or undefined where it can: on a GPU, or one imitated in software. */
export async function whyNoWebGpu(): Promise<string | undefined> {
  if (existsSync(IN_CHROMIUM)) process.env.VK_ICD_FILENAMES ??= IN_CHROMIUM;
  try {
    await useBackend("webgpu");
    return undefined;
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    const reason = `WebGPU is not tested: ${error.message.split("\n")[0]}. scripts/get-swiftshader.sh gets a software driver.`;
    console.log(reason);
    return reason;
  }
}
