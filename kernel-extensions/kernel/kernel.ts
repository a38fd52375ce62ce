import { setImmediate } from "node:timers";
import { z } from "zod";
import type { Traces } from "./errors/trace.js";
import { complete } from "./requests/complete.js";
import { executeRequest, helpRequest } from "./requests/execute.js";
import { History } from "./requests/history.js";
import { kernelInfo } from "./requests/info.js";
import { inspect, pageAbout } from "./requests/inspect.js";
import { isComplete } from "./requests/is-complete.js";
import type { Cells } from "./run/cells.js";
import type { Session } from "./run/session.js";
import type { Link } from "./wire/link.js";
import type { Content, Header, Incoming } from "./wire/message.js";

const cursorRequest = z.object({ code: z.string(), cursor_pos: z.number() });
const codeRequest = z.object({ code: z.string() });

/** Answers Jupyter's requests, one after another. */
export class Kernel {
  readonly #history = new History();
  #count = 0;
  #unnumbered = 0;
  #aborted: Incoming[] = [];

  constructor(
    readonly link: Link,
    readonly session: Session,
    readonly cells: Cells,
    readonly traces: Traces,
    readonly shutdown: () => void,
  ) {}

  /** Serves until the process ends. */
  async serve(): Promise<never> {
    for (;;) {
      const request = await this.link.next();
      await this.#announced(request, async () => {
        try {
          await this.#handle(request);
        } catch (error) {
          this.link.reply(request, { status: "error", ...this.traces.report(error) });
        }
      });
      for (const aborted of this.#aborted.splice(0))
        await this.#announced(aborted, async () => {
          this.link.reply(aborted, { status: "aborted", execution_count: this.#count });
        });
    }
  }

  /** Does `work` between the two messages by which clients know what the kernel is busy with. */
  async #announced({ header }: Incoming, work: () => Promise<void>): Promise<void> {
    this.#status("busy", header);
    await work();
    this.#status("idle", header);
  }

  async #handle(request: Incoming): Promise<void> {
    const { content, header } = request;
    const { compiler, declarations } = this.session;
    const reply = (answer: Content) => this.link.reply(request, answer);
    switch (header.msg_type) {
      case "execute_request":
        return this.#execute(request);
      case "kernel_info_request":
        return reply(kernelInfo);
      case "complete_request": {
        const { code, cursor_pos } = cursorRequest.parse(content);
        return reply(complete(compiler, declarations, code, cursor_pos));
      }
      case "inspect_request": {
        const { code, cursor_pos } = cursorRequest.parse(content);
        return reply(inspect(compiler, declarations, code, cursor_pos));
      }
      case "is_complete_request":
        return reply(isComplete(codeRequest.parse(content).code));
      case "history_request":
        return reply(this.#history.answer(content));
      case "comm_info_request":
        return reply({ status: "ok", comms: {} });
      case "comm_open": // no comm targets: tell the other side that nobody listens
        return this.link.publish("comm_close", { comm_id: content.comm_id, data: {} }, header);
      case "shutdown_request":
        reply({ status: "ok", restart: content.restart === true });
        return this.shutdown();
    }
  }

  async #execute(request: Incoming): Promise<void> {
    const { header } = request;
    const wanted = executeRequest.parse(request.content);
    const { code, silent } = wanted;
    const numbered = !silent && wanted.store_history;
    if (numbered) this.#history.add(++this.#count, code);
    const execution_count = this.#count;
    if (!silent) this.link.publish("execute_input", { code, execution_count }, header);

    const asked = helpRequest(code);
    if (asked) {
      const payload = [pageAbout(asked, this.session.compiler, this.session.declarations)];
      return this.link.reply(request, { status: "ok", execution_count, payload, user_expressions: {} });
    }
    const name = numbered ? `Cell ${execution_count}` : `Unnumbered cell ${++this.#unnumbered}`;
    const { reply, result } = await this.cells.run(name, execution_count, wanted, header);
    if (numbered && result !== undefined) this.#history.setOutput(result);
    if (reply.status === "error" && wanted.stop_on_error) await this.#takeQueued();
    this.link.reply(request, { ...reply, execution_count });
  }

  /** After an error the cells that were sent together with the failed one do not run. */
  async #takeQueued(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#aborted = this.link.takeQueuedExecutions();
  }

  #status(execution_state: "busy" | "idle", parent: Header): void {
    this.link.publish("status", { execution_state }, parent);
  }
}
