import { createRequire } from "node:module";
import type { Content } from "../wire/message.js";
import type { RequireCell } from "./globals.js";

/** Lets `import { display } from "tslab"`, tslab's own way to show HTML, images and the like, work in cells as before. */
export function connectTslabDisplay(requireCell: RequireCell): void {
  const jupyter: { lastWriteDisplayData: unknown } = createRequire(import.meta.url)("tslab/dist/jupyter.js");
  jupyter.lastWriteDisplayData = (content: Content, update: boolean) =>
    requireCell()?.outputs.publish(update ? "update_display_data" : "display_data", content);
}
