import { Console } from "node:console";
import { inspectTensorsNicely } from "../../display/tensor.js";
import { owner } from "./cell.js";
import type { RequireCell } from "./globals.js";

/**
 * Sends `console` and whatever is written to `process.stdout` and `process.stderr` to the cell that writes it.
 * What the process writes outside of every cell goes where it always went.
 */
export function captureStreams(requireCell: RequireCell): void {
  for (const name of ["stdout", "stderr"] as const) {
    const stream = process[name];
    const original = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      const cell = requireCell();
      if (!cell) return original(chunk, ...rest);
      const [encoding] = rest;
      const text =
        typeof chunk === "string"
          ? chunk
          : Buffer.from(chunk).toString(isEncoding(encoding) ? encoding : "utf8");
      cell.outputs.write(name, text);
      const done = rest.find((argument): argument is () => void => typeof argument === "function");
      if (done) queueMicrotask(done);
      return true;
    };
    stream.write = write as typeof stream.write;
  }
  globalThis.console = cellConsole();
}

function isEncoding(value: unknown): value is BufferEncoding {
  return typeof value === "string" && Buffer.isEncoding(value);
}

/** Node's console, except that an interrupt can end a loop that prints, tensors read well, and `clear` clears the cell. */
function cellConsole(): Console {
  const { stdout, stderr } = process;
  const console = new Console({ stdout, stderr, ignoreErrors: false, colorMode: false });
  for (const name of ["log", "info", "debug", "warn", "error"] as const) {
    const print = console[name];
    console[name] = (...values: unknown[]) => {
      for (const value of values) inspectTensorsNicely(value, 1);
      print(...values);
    };
  }
  console.clear = () => owner.getStore()?.outputs.publish("clear_output", { wait: true });
  return console;
}
