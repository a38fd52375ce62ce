// @ts-check
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** Downloads that survive a fresh clone: models and the TensorFlow library. Never inside git. */
export const cache =
  process.env.POSTTRAIN_CACHE ||
  path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "posttrain");

export const venv = path.join(root, ".venv");
export const venvPython = path.join(venv, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

/** Everything Jupyter writes stays in the project, never in the user's home. */
export const jupyterEnvironment = {
  JUPYTER_CONFIG_DIR: path.join(root, ".jupyter/config"),
  JUPYTER_DATA_DIR: path.join(root, ".jupyter/data"),
  JUPYTER_RUNTIME_DIR: path.join(root, ".jupyter/runtime"),
  JUPYTERLAB_SETTINGS_DIR: path.join(root, ".jupyter/settings"),
  JUPYTERLAB_WORKSPACES_DIR: path.join(root, ".jupyter/workspaces"),
  IPYTHONDIR: path.join(root, ".jupyter/ipython"),
};
