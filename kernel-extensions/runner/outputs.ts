import type { Message } from "./message.js";
import type { CodeCell, Output } from "./notebook.js";

type Data = Extract<Output, { output_type: "display_data" | "execute_result" }>;

/**
 * Writes what a kernel publishes into the cells of a notebook, as a front end would: joins streams, updates displays
 * by their name wherever they are, clears outputs.
 */
export class OutputRecorder {
  readonly #displays = new Map<string, Data[]>();
  #clearOnNext = false;

  /** Applies one iopub message of the request that executes `cell`. */
  record(cell: CodeCell, { type, content }: Message): void {
    switch (type) {
      case "stream":
        this.#stream(cell, content.name === "stderr" ? "stderr" : "stdout", String(content.text));
        break;
      case "display_data":
        this.#data(cell, { output_type: "display_data", ...dataOf(content) }, displayId(content));
        break;
      case "execute_result": {
        const count = typeof content.execution_count === "number" ? content.execution_count : null;
        const result = { output_type: "execute_result" as const, ...dataOf(content), execution_count: count };
        this.#data(cell, result, displayId(content));
        break;
      }
      case "update_display_data":
        for (const shown of this.#displays.get(displayId(content) ?? "") ?? [])
          Object.assign(shown, dataOf(content));
        break;
      case "error": {
        const { ename, evalue, traceback } = content as {
          ename: string;
          evalue: string;
          traceback: string[];
        };
        this.#add(cell, { output_type: "error", ename, evalue, traceback });
        break;
      }
      case "clear_output":
        this.#clearOnNext = content.wait === true;
        if (!this.#clearOnNext) cell.outputs.length = 0;
    }
  }

  /** A clearing that still waits for the next output does not reach the next cell. */
  finish(): void {
    this.#clearOnNext = false;
  }

  #stream(cell: CodeCell, name: "stdout" | "stderr", text: string): void {
    const last = this.#clearOnNext ? undefined : cell.outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name) last.text += text;
    else this.#add(cell, { output_type: "stream", name, text });
  }

  #data(cell: CodeCell, output: Data, id: string | undefined): void {
    this.#add(cell, output);
    if (id !== undefined) this.#displays.set(id, [...(this.#displays.get(id) ?? []), output]);
  }

  #add(cell: CodeCell, output: Output): void {
    if (this.#clearOnNext) cell.outputs.length = 0;
    this.#clearOnNext = false;
    cell.outputs.push(output);
  }
}

const dataOf = ({ data, metadata }: Record<string, unknown>) => ({
  data: (data ?? {}) as Record<string, unknown>,
  metadata: (metadata ?? {}) as Record<string, unknown>,
});

function displayId({ transient }: Record<string, unknown>): string | undefined {
  return (transient as { display_id?: string } | undefined)?.display_id;
}
