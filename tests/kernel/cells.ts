import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ExecuteReply, KernelClient } from "../../kernel-extensions/runner/client.js";
import type { Message } from "../../kernel-extensions/runner/message.js";

export const LAUNCHER = fileURLToPath(new URL("../../dist-kernel/kernel/launch.js", import.meta.url));

/** What one cell answered and showed. */
export interface CellRun {
  reply: ExecuteReply;
  /** Everything on iopub except status and the echo of the code. */
  outputs: Message[];
  /** Text of the result, if the cell has one. */
  result: string | undefined;
  stdout: string;
  stderr: string;
  /** The error as a reader sees it. */
  traceback: string;
}

/** Starts the built kernel as Jupyter does. */
export function startKernel(...options: string[]): Promise<KernelClient> {
  if (!existsSync(LAUNCHER)) throw new Error("The kernel is not built: npm run build");
  const command = [process.execPath, LAUNCHER, "--connection-file", "{connection_file}", ...options];
  return KernelClient.start(command);
}

/** Runs a cell to its end. */
export async function run(kernel: KernelClient, code: string): Promise<CellRun> {
  const outputs: Message[] = [];
  const reply = await kernel.execute(code, { onMessage: (message) => outputs.push(message) });
  const shown = outputs.filter(({ type }) => type !== "status" && type !== "execute_input");
  const stream = (name: string) =>
    shown
      .filter(({ type, content }) => type === "stream" && content.name === name)
      .map(({ content }) => content.text)
      .join("");
  const result = shown.find(({ type }) => type === "execute_result");
  return {
    reply,
    outputs: shown,
    result: result && textOf(result),
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    traceback: (reply.traceback ?? []).join("\n"),
  };
}

/** The bundle of a display, an update or a result. */
export function bundleOf(message: Message | undefined): Record<string, unknown> {
  return (message?.content.data ?? {}) as Record<string, unknown>;
}

export function textOf(message: Message | undefined): string {
  return String(bundleOf(message)["text/plain"]);
}

/** Starts a cell, waits until it prints `word`, and interrupts it. */
export async function runAndInterrupt(
  kernel: KernelClient,
  code: string,
  {
    word = "started",
    interrupt = () => kernel.interrupt(),
  }: { word?: string; interrupt?: () => unknown } = {},
): Promise<CellRun> {
  const started = new Promise<void>((resolve) => {
    const stop = kernel.onIopub(({ type, content }) => {
      if (type !== "stream" || !String(content.text).includes(word)) return;
      stop();
      resolve();
    });
  });
  const running = run(kernel, code);
  await started;
  await interrupt();
  return running;
}
