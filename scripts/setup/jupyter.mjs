// @ts-check
import { copyFileSync, cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root, venv } from "./paths.mjs";
import { fingerprint, isStamped, makeWhole, stamp } from "./stamp.mjs";

const renderer = path.join(root, "kernel-extensions/lab");
/** The question whether to fetch news over the network would stand in front of the first notebook. */
const pageConfig = JSON.stringify({
  disabledExtensions: { "@jupyterlab/apputils-extension:announcements": true },
});
const plotly = path.join(root, "node_modules/plotly.js-dist/plotly.js");

/**
 * Our kernel and the Plotly renderer, inside `.venv/share/jupyter`, where the project's own JupyterLab finds them.
 *
 * @returns {Promise<string>}
 */
export async function installExtensions() {
  const kernelspec = JSON.stringify(
    {
      argv: [
        process.execPath,
        path.join(root, "dist-kernel/kernel/launch.js"),
        "--connection-file",
        "{connection_file}",
        "--root",
        root,
      ],
      display_name: "TypeScript (Posttrain)",
      language: "typescript",
      interrupt_mode: "message",
    },
    null,
    2,
  );
  const sources = ["package.json", "static/remoteEntry.js"].map((file) =>
    readFileSync(path.join(renderer, file)),
  );
  const plotlyVersion = readFileSync(path.join(path.dirname(plotly), "package.json"));
  const wanted = fingerprint(kernelspec, pageConfig, plotlyVersion, ...sources);

  const kernelFolder = path.join(venv, "share/jupyter/kernels/posttrain");
  const rendererFolder = path.join(venv, "share/jupyter/labextensions/@posttrain/plotly-renderer");
  if (isStamped(kernelFolder, wanted) && existsSync(rendererFolder)) return "up to date";
  await makeWhole(rendererFolder, async (folder) => {
    cpSync(renderer, folder, { recursive: true });
    copyFileSync(plotly, path.join(folder, "static/plotly.js"));
  });
  await makeWhole(path.join(venv, "etc/jupyter/labconfig"), async (folder) => {
    writeFileSync(path.join(folder, "page_config.json"), pageConfig);
  });
  await makeWhole(kernelFolder, async (folder) => {
    writeFileSync(path.join(folder, "kernel.json"), kernelspec);
    stamp(folder, wanted);
  });
  return "installed into .venv";
}
