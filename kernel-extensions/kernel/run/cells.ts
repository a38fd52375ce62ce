import { toBundle } from "../../display/bundle.js";
import type { Traces } from "../errors/trace.js";
import type { ExecuteRequest } from "../requests/execute.js";
import type { Link } from "../wire/link.js";
import type { Content, Header } from "../wire/message.js";
import { Cell, owner } from "./cell.js";
import { DisplayHandle } from "./display-handle.js";
import { CellExit } from "./exit.js";
import { InterruptedError } from "./interrupted.js";
import { Outputs } from "./outputs.js";
import type { Session } from "./session.js";

/** How a cell ended. */
export interface Outcome {
  /** What the reply says, without the execution count. */
  reply: Content;
  /** The text of its result, if it has one. */
  result: string | undefined;
}

/** Runs cells one at a time and knows which of them the current code belongs to. */
export class Cells {
  readonly #cells = new Map<string, Cell>();
  #running: Cell | undefined;
  #latest: Cell | undefined;

  constructor(
    readonly link: Link,
    readonly session: Session,
    readonly traces: Traces,
  ) {}

  /** Runs a cell under `name`, shows its result or its error, and resolves when everything has been shown. */
  async run(name: string, count: number, request: ExecuteRequest, header: Header): Promise<Outcome> {
    const cell = this.#open(name, header, request.silent);
    const outcome = await this.#attempt(cell, count, request);
    await Promise.race([cell.outputs.settle(), cell.cutOff.catch(() => {})]);
    cell.finish();
    this.link.interrupts.breakable = false;
    this.#running = undefined;
    return outcome;
  }

  /** Ends the running cell, if there is one. */
  interrupt(): void {
    this.link.interrupts.take();
    this.#running?.interrupt();
  }

  /** The cell that the current code belongs to. Throws when the user has interrupted it. */
  requireCell(): Cell | undefined {
    const cell = owner.getStore();
    if (this.link.interrupts.pending) {
      this.interrupt();
      if (cell && cell === this.#running) throw new InterruptedError();
    }
    if (cell?.gone) throw new InterruptedError();
    return cell ?? this.#latest;
  }

  /** Shows an error that no code has caught below the cell that it comes from. */
  reportUncaught(thrown: unknown): void {
    if (thrown instanceof InterruptedError) return;
    const cell = this.#cells.get(this.traces.cellOf(thrown) ?? "") ?? this.#latest;
    const text = `Uncaught in the background:\n${this.#describe(thrown)}\n`;
    if (cell) cell.outputs.write("stderr", text);
    else process.stderr.write(text);
  }

  #open(name: string, header: Header, silent: boolean): Cell {
    const { link } = this;
    const sink = {
      publish: (type: string, content: Content) => silent || link.publish(type, content, header),
      write: (stream: "stdout" | "stderr", text: string) => silent || link.write(stream, text, header),
    };
    const outputs = new Outputs(sink, (error) => this.#describe(error));
    const cell = new Cell(name, outputs, () => {
      if (link.interrupts.pending) this.interrupt();
    });
    this.#cells.set(name, cell);
    this.#running = this.#latest = cell;
    return cell;
  }

  async #attempt(cell: Cell, execution_count: number, request: ExecuteRequest): Promise<Outcome> {
    const done: Content = { status: "ok", payload: [], user_expressions: {} };
    try {
      const value = await this.session.run(cell, request.code);
      const result = await this.#show(value, cell, execution_count);
      const user_expressions = await this.#evaluate(request.user_expressions, cell);
      return { reply: { ...done, user_expressions }, result };
    } catch (error) {
      if (error instanceof CellExit && error.code === 0) {
        cell.outputs.write("stderr", `${error.message}\n`);
        return { reply: done, result: undefined };
      }
      const report = this.traces.report(error);
      cell.outputs.publish("error", { ...report });
      return { reply: { status: "error", ...report }, result: undefined };
    }
  }

  /** Shows the value of the last expression and returns its text. */
  async #show(value: unknown, cell: Cell, execution_count: number): Promise<string | undefined> {
    if (value === undefined || value instanceof DisplayHandle) return undefined;
    const data = await Promise.race([toBundle(value), cell.cutOff]);
    cell.outputs.publish("execute_result", { execution_count, data, metadata: {} });
    return String(data["text/plain"]);
  }

  /** The values that the client asked for beside the cell, each shown or explained. */
  async #evaluate(expressions: Record<string, string>, cell: Cell): Promise<Content> {
    const results: Content = {};
    for (const [name, expression] of Object.entries(expressions)) {
      try {
        const value = await this.session.run(cell, `(${expression})`, `Expression ${name}`);
        results[name] = { status: "ok", data: await toBundle(value), metadata: {} };
      } catch (error) {
        results[name] = { status: "error", ...this.traces.report(error) };
      }
    }
    return results;
  }

  #describe(error: unknown): string {
    return this.traces.report(error).traceback.join("\n");
  }
}
