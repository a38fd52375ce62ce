// @ts-check
// npm start: sets everything up and opens JupyterLab.
import path from "node:path";
import { setUp } from "./setup/index.mjs";
import { jupyterEnvironment, root, venvPython } from "./setup/paths.mjs";
import { attach } from "./setup/run.mjs";

await setUp();
const isRoot = process.getuid?.() === 0; // in a container: Jupyter wants to hear that this is meant
console.log("\nJupyterLab is starting; stop it with Ctrl-C.\n");
process.exitCode = await attach(
  venvPython,
  [
    ...["-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", `--ServerApp.root_dir=${root}`],
    ...["--LabApp.default_url=/lab/tree/notebooks/00-start-here.ipynb"],
    ...["--MultiKernelManager.default_kernel_name=posttrain"],
    ...(isRoot ? ["--allow-root"] : []),
    ...process.argv.slice(2),
  ],
  { env: { ...jupyterEnvironment, PATH: `${path.dirname(venvPython)}${path.delimiter}${process.env.PATH}` } },
);
