import { createRequire } from "node:module";
import ts from "typescript";
import type { Content } from "../wire/message.js";

const { version } = createRequire(import.meta.url)("tslab/package.json") as { version: string };

/** The kernel's description of itself. */
export const kernelInfo: Content = {
  status: "ok",
  protocol_version: "5.3",
  implementation: "posttrain",
  implementation_version: version,
  banner: `TypeScript ${ts.version} on Node ${process.versions.node}, tslab ${version} extended by Posttrain`,
  language_info: {
    name: "typescript",
    version: ts.version,
    mimetype: "text/typescript",
    file_extension: ".ts",
    pygments_lexer: "typescript",
    codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
    nbconvert_exporter: "script",
  },
  help_links: [
    { text: "TypeScript handbook", url: "https://www.typescriptlang.org/docs/handbook/intro.html" },
    { text: "TensorFlow.js API", url: "https://js.tensorflow.org/api/latest/" },
  ],
};
