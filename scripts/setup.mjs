// @ts-check
// npm run setup: everything that npm start does before it opens JupyterLab.
import { setUp } from "./setup/index.mjs";

await setUp();
