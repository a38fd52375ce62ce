import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { FontMetrics } from "./font-metrics.js";

/** The family that draws Latin, Greek and mathematical text, and the one that draws Chinese. */
export const LATIN = "Inter";
export const CHINESE = "Noto Sans S Chinese";

const require = createRequire(import.meta.url);
const inter = (path: string): string => require.resolve(`@expo-google-fonts/inter/${path}`);
const notoSans = (file: string): string => join(require.resolve("@embedpdf/fonts-sc"), "../../fonts", file);

/** Font files that come with the project, so that a picture is the same on every machine. */
export const fontFiles = {
  regular: inter("400Regular/Inter_400Regular.ttf"),
  bold: inter("700Bold/Inter_700Bold.ttf"),
  chinese: notoSans("NotoSansHans-Regular.otf"),
  chineseBold: notoSans("NotoSansHans-Bold.otf"),
} as const;

const metrics = new Map<string, FontMetrics>();

function metricsOf(file: string): FontMetrics {
  const known = metrics.get(file);
  if (known) return known;
  const read = new FontMetrics(readFileSync(file));
  metrics.set(file, read);
  return read;
}

/** Width of one line of text, in units of the font size. */
export function measure(text: string, bold = false): number {
  const latin = metricsOf(bold ? fontFiles.bold : fontFiles.regular);
  let width = 0;
  for (const character of text)
    width += latin.advance(character) ?? metricsOf(fontFiles.chinese).advance(character) ?? 1;
  return width;
}

/** Whether our own fonts can draw all of `text`; emoji, for example, they cannot. */
export function covers(text: string): boolean {
  for (const character of text)
    if (
      metricsOf(fontFiles.regular).advance(character) === undefined &&
      metricsOf(fontFiles.chinese).advance(character) === undefined &&
      !/\s/.test(character)
    )
      return false;
  return true;
}
