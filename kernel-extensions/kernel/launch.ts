import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CellCompiler } from "./compiler/cells.js";
import { Traces } from "./errors/trace.js";
import { Kernel } from "./kernel.js";
import { parseLaunchOptions } from "./options.js";
import { kernelInfo } from "./requests/info.js";
import { Cells } from "./run/cells.js";
import { guardExit } from "./run/exit.js";
import { defineGlobals } from "./run/globals.js";
import { Modules } from "./run/modules.js";
import { Session } from "./run/session.js";
import { captureStreams } from "./run/streams.js";
import { guardTimers } from "./run/timers.js";
import { connectTslabDisplay } from "./run/tslab-display.js";
import { readConnection } from "./wire/connection.js";
import { allowForgetting } from "./wire/forget.js";
import { Link } from "./wire/link.js";

const here = dirname(fileURLToPath(import.meta.url)); // <project>/dist-kernel/kernel
const project = join(here, "../..");

const { connectionFile, root } = parseLaunchOptions(process.argv.slice(2), project);
process.chdir(root);

const end = () => void link.close().then(() => process.exit(0));
const link: Link = new Link(readConnection(connectionFile), kernelInfo, {
  onInterrupt: () => link.interrupts.pending && cells.interrupt(),
  onShutdown: end,
});
const modules = new Modules(root);
const traces = new Traces(root, [dirname(here), join(project, "node_modules/tslab"), modules.meta.filename]);
const compiler = new CellCompiler(join(project, "kernel-extensions/kernel/ambient"));
const session = new Session(compiler, modules, traces, link.interrupts);
const cells: Cells = new Cells(link, session, traces);

const requireCell = () => cells.requireCell();
traces.install();
allowForgetting();
captureStreams(requireCell);
guardTimers(requireCell);
defineGlobals(requireCell);
guardExit();
connectTslabDisplay(requireCell);
process.removeAllListeners("warning"); // Node's own would print what no author of a cell can change
process.on("warning", ({ name, message }) => {
  if (name !== "ExperimentalWarning" && name !== "DeprecationWarning")
    process.stderr.write(`${name}: ${message}\n`);
});
process.on("SIGINT", () => cells.interrupt());
process.on("uncaughtException", (error) => cells.reportUncaught(error));
process.on("unhandledRejection", (reason) => cells.reportUncaught(reason));

await new Kernel(link, session, cells, traces, end).serve();
