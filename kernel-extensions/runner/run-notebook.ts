import type { ExecuteReply, KernelClient } from "./client.js";
import { KernelTimeoutError } from "./errors.js";
import { bundleText, type CodeCell, type Notebook } from "./notebook.js";
import { OutputRecorder } from "./outputs.js";

export interface RunOptions {
  /** Longest time for one cell, in seconds. @default 240 */
  cellTimeout?: number;
  /** Aborts between and within cells. */
  signal?: AbortSignal;
  /** Called before each cell that is executed; both counts start at 1. */
  onCell?: (cell: number, of: number) => void;
}

/** The cell that stopped a notebook, and why. */
export interface CellFailure {
  /** Its number among the code cells, from 1. */
  cell: number;
  source: string;
  /** The trace, as the kernel wrote it. */
  trace: string;
}

export interface NotebookRun {
  /** Code cells that ran to their end. */
  cells: number;
  seconds: number;
  /** Absent when every cell ran. */
  failure?: CellFailure;
}

/** An interrupted cell gets this long to end by itself. */
const GRACE_MS = 10_000;

/**
 * Executes the code cells of a notebook in order and puts their outputs into it. Stops at the first error, time-out
 * or death of the kernel; outputs made until then are kept, cells after it have none.
 *
 * @throws the reason of `signal` when it aborts
 */
export async function runNotebook(
  notebook: Notebook,
  kernel: KernelClient,
  options: RunOptions = {},
): Promise<NotebookRun> {
  const cells = notebook.cells.filter((cell): cell is CodeCell => cell.cell_type === "code");
  for (const cell of cells) Object.assign(cell, { outputs: [], execution_count: null });
  const recorder = new OutputRecorder();
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;

  for (const [index, cell] of cells.entries()) {
    options.signal?.throwIfAborted();
    options.onCell?.(index + 1, cells.length);
    if (cell.source.trim() === "") continue;
    const trace = await runCell(cell, kernel, recorder, options);
    if (trace !== undefined)
      return { cells: index, seconds: seconds(), failure: { cell: index + 1, source: cell.source, trace } };
  }
  return { cells: cells.length, seconds: seconds() };
}

/** Runs one cell; the trace of its failure, or nothing. */
async function runCell(
  cell: CodeCell,
  kernel: KernelClient,
  recorder: OutputRecorder,
  { cellTimeout = 240, signal }: RunOptions,
): Promise<string | undefined> {
  const executed = kernel.execute(cell.source, { onMessage: (message) => recorder.record(cell, message) });
  try {
    const reply = await within(executed, kernel, { cellTimeout, signal });
    cell.execution_count = reply.execution_count ?? null;
    return reply.status === "ok" ? undefined : traceOf(reply);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    cell.outputs.push({ output_type: "error", ename: name, evalue: message, traceback: message.split("\n") });
    return message;
  } finally {
    recorder.finish();
  }
}

async function within(
  executed: Promise<ExecuteReply>,
  kernel: KernelClient,
  { cellTimeout, signal }: { cellTimeout: number; signal: AbortSignal | undefined },
): Promise<ExecuteReply> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    const timedOut = () =>
      reject(
        new KernelTimeoutError(`The cell did not end within ${cellTimeout} s.`, {
          code: "runner/cell-timeout",
          value: cellTimeout,
          hint: "Give it more with --timeout, or less to do.",
        }),
      );
    timer = setTimeout(timedOut, cellTimeout * 1000);
    onAbort = () => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([executed, late]);
  } catch (error) {
    if (error instanceof KernelTimeoutError) await stop(executed, kernel);
    throw error;
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener("abort", onAbort);
  }
}

/** Interrupts the running cell, so that what it still has to say is recorded; ends a kernel that does not listen. */
async function stop(executed: Promise<ExecuteReply>, kernel: KernelClient): Promise<void> {
  const ended = executed.then(
    () => true,
    () => true,
  );
  kernel.interrupt().catch(() => {});
  const timer = setTimeout(() => kernel.kill(), GRACE_MS);
  await ended;
  clearTimeout(timer);
}

/** The backend that a notebook said it computes with, in the words of `useBackend()`'s report. */
export function backendOf({ cells }: Notebook): string | undefined {
  for (const cell of cells) {
    if (cell.cell_type !== "code") continue;
    for (const output of cell.outputs) {
      const text =
        output.output_type === "stream" ? output.text : "data" in output ? output.data["text/plain"] : "";
      const backend = /^Computing with (\S+):/m.exec(bundleText(text))?.[1];
      if (backend) return backend;
    }
  }
  return undefined;
}

function traceOf({ status, ename, evalue, traceback }: ExecuteReply): string {
  if (traceback && traceback.length > 0) return traceback.join("\n");
  return ename ? `${ename}: ${evalue}` : `The kernel answered "${status}".`;
}
