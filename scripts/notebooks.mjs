// @ts-check
// npm run notebooks [-- 02-sft …]: sets everything up and executes the notebooks into book/.

import { setUp } from "./setup/index.mjs";
import { root } from "./setup/paths.mjs";
import { attach } from "./setup/run.mjs";

await setUp();
console.log("");
process.exitCode = await attach(process.execPath, [
  `${root}dist-kernel/runner/main.js`,
  ...process.argv.slice(2),
]);
