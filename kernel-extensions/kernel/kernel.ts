import { setImmediate } from "node:timers";
import { z } from "zod";
import { toBundle } from "../display/bundle.js";
import type { Traces } from "./errors/trace.js";
import { complete } from "./requests/complete.js";
import { type ExecuteRequest, executeRequest, helpRequest } from "./requests/execute.js";
import { History } from "./requests/history.js";
import { kernelInfo } from "./requests/info.js";
import { inspect } from "./requests/inspect.js";
import { isComplete } from "./requests/is-complete.js";
import { Cell, owner } from "./run/cell.js";
import { CellExit } from "./run/exit.js";
import { InterruptedError } from "./run/interrupted.js";
import { Outputs } from "./run/outputs.js";
import type { Session } from "./run/session.js";
import type { Link } from "./wire/link.js";
import type { Content, Header, Incoming } from "./wire/message.js";

const cursorRequest = z.object({ code: z.string(), cursor_pos: z.number() });
const codeRequest = z.object({ code: z.string() });

/** Answers Jupyter's requests, one after another. */
export class Kernel {
  readonly #history = new History();
  readonly #cells = new Map<number, Cell>();
  #count = 0;
  #running: Cell | undefined;
  #latest: Cell | undefined;
  #aborted: Incoming[] = [];

  constructor(
    readonly link: Link,
    readonly session: Session,
    readonly traces: Traces,
    readonly shutdown: () => void,
  ) {}

  /** Serves until the process ends. */
  async serve(): Promise<never> {
    for (;;) {
      const request = await this.link.next();
      this.#status("busy", request.header);
      try {
        await this.#handle(request);
      } catch (error) {
        this.link.reply(request, { status: "error", ...this.traces.report(error) });
      }
      this.#status("idle", request.header);
      this.#abort();
    }
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
    const number = this.traces.cellOf(thrown);
    const cell = (number !== undefined && this.#cells.get(number)) || this.#latest;
    const text = `Uncaught in the background:\n${this.traces.report(thrown).traceback.join("\n")}\n`;
    if (cell) cell.outputs.write("stderr", text);
    else process.stderr.write(text);
  }

  async #handle(request: Incoming): Promise<void> {
    const { content, header } = request;
    const { compiler, declarations } = this.session;
    switch (header.msg_type) {
      case "execute_request":
        return this.#execute(request);
      case "kernel_info_request":
        return this.link.reply(request, kernelInfo);
      case "complete_request": {
        const { code, cursor_pos } = cursorRequest.parse(content);
        return this.link.reply(request, complete(compiler, declarations, code, cursor_pos));
      }
      case "inspect_request": {
        const { code, cursor_pos } = cursorRequest.parse(content);
        return this.link.reply(request, inspect(compiler, declarations, code, cursor_pos));
      }
      case "is_complete_request":
        return this.link.reply(request, isComplete(codeRequest.parse(content).code));
      case "history_request":
        return this.link.reply(request, this.#history.answer(content));
      case "comm_info_request":
        return this.link.reply(request, { status: "ok", comms: {} });
      case "comm_open": // no comm targets: tell the other side that nobody listens
        return this.link.publish("comm_close", { comm_id: content.comm_id, data: {} }, header);
      case "shutdown_request":
        this.link.reply(request, { status: "ok", restart: content.restart === true });
        return this.shutdown();
    }
  }

  async #execute(request: Incoming): Promise<void> {
    const wanted = executeRequest.parse(request.content);
    const { code, silent } = wanted;
    if (!silent && wanted.store_history) this.#history.add(++this.#count, code);
    const execution_count = this.#count;
    if (!silent) this.link.publish("execute_input", { code, execution_count }, request.header);

    const cell = this.#openCell(request.header, silent);
    const outcome = await this.#outcome(cell, wanted, execution_count);
    await Promise.race([cell.outputs.settle(), cell.cutOff.catch(() => {})]);
    this.#closeCell(cell);
    if (outcome.status === "error" && wanted.stop_on_error) await this.#takeQueued();
    this.link.reply(request, { ...outcome, execution_count });
  }

  /** Runs the cell, shows its result or its error, and says how it went. */
  async #outcome(
    cell: Cell,
    { code, user_expressions }: ExecuteRequest,
    execution_count: number,
  ): Promise<Content> {
    const done: Content = { status: "ok", payload: [], user_expressions: {} };
    try {
      const asked = helpRequest(code);
      if (asked) return { ...done, payload: this.#help(asked) };
      const value = await this.session.run(cell, code);
      if (value !== undefined) {
        const data = await Promise.race([toBundle(value), cell.cutOff]);
        cell.outputs.publish("execute_result", { execution_count, data, metadata: {} });
        this.#history.setOutput(String(data["text/plain"]));
      }
      return { ...done, user_expressions: await this.#evaluate(user_expressions, cell) };
    } catch (error) {
      if (error instanceof CellExit && error.code === 0) {
        cell.outputs.write("stderr", `${error.message}\n`);
        return done;
      }
      const report = this.traces.report(error);
      cell.outputs.publish("error", { ...report });
      return { status: "error", ...report };
    }
  }

  /** What Jupyter's pager shows for the cell `name?`. */
  #help(name: string): Content[] {
    const { data } = inspect(this.session.compiler, this.session.declarations, name, name.length);
    return [
      {
        source: "page",
        data: { "text/plain": `Nothing is known about ${name}.`, ...(data as Content) },
        start: 0,
      },
    ];
  }

  #openCell(header: Header, silent: boolean): Cell {
    const { link } = this;
    const sink = {
      publish: (type: string, content: Content) => silent || link.publish(type, content, header),
      write: (stream: "stdout" | "stderr", text: string) => silent || link.write(stream, text, header),
    };
    const outputs = new Outputs(sink, (error) => this.traces.report(error).traceback.join("\n"));
    const cell = new Cell(this.#count, header, outputs, () => {
      if (link.interrupts.pending) this.interrupt();
    });
    this.#cells.set(cell.number, cell);
    this.#running = this.#latest = cell;
    return cell;
  }

  #closeCell(cell: Cell): void {
    cell.finish();
    this.link.interrupts.breakable = false;
    this.#running = undefined;
  }

  /** The values that the client asked for beside the cell, each shown or explained. */
  async #evaluate(expressions: Record<string, string>, cell: Cell): Promise<Content> {
    const results: Content = {};
    for (const [name, expression] of Object.entries(expressions)) {
      try {
        const data = await toBundle(await this.session.run(cell, `(${expression})`));
        results[name] = { status: "ok", data, metadata: {} };
      } catch (error) {
        results[name] = { status: "error", ...this.traces.report(error) };
      }
    }
    return results;
  }

  /** After an error the cells that were sent together with the failed one do not run. */
  async #takeQueued(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#aborted = this.link.takeQueuedExecutions();
  }

  #abort(): void {
    for (const request of this.#aborted.splice(0)) {
      this.#status("busy", request.header);
      this.link.reply(request, { status: "aborted", execution_count: this.#count });
      this.#status("idle", request.header);
    }
  }

  #status(execution_state: "busy" | "idle", parent: Header): void {
    this.link.publish("status", { execution_state }, parent);
  }
}
