import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { Connection } from "./connection.js";
import { Interrupts } from "./interrupts.js";
import type { Content, Header, Incoming } from "./message.js";
import type { FromSockets, SocketThreadData, ToSockets } from "./thread.js";

/** What can arrive besides requests. */
export interface LinkEvents {
  /** An interrupt was asked for and the event loop is free to hear it. */
  onInterrupt(): unknown;
  /** The process should end. */
  onShutdown(): void;
}

/**
 * The main thread's end of the wire. Sending never waits: the socket thread takes messages at once,
 * even while a cell keeps this thread busy.
 */
export class Link {
  readonly interrupts = new Interrupts();
  readonly #port: MessagePort;
  readonly #waiting: Incoming[] = [];
  #wake: (() => void) | undefined;
  #closed: (() => void) | undefined;

  constructor(
    connection: Connection,
    kernelInfo: Content,
    readonly events: LinkEvents,
  ) {
    const { port1, port2 } = new MessageChannel();
    const workerData: SocketThreadData = {
      connection,
      kernelInfo: JSON.stringify(kernelInfo),
      interrupts: this.interrupts.memory,
      port: port2,
    };
    this.#port = port1;
    port1.on("message", (message: FromSockets) => this.#receive(message));
    const worker = new Worker(new URL("./sockets.js", import.meta.url), {
      workerData,
      transferList: [port2],
    });
    worker.on("error", (error) => {
      process.stderr.write(`kernel: ${error.message}\n`);
      process.exit(1); // nobody can reach us any more
    });
  }

  /** The next request in order of arrival. */
  async next(): Promise<Incoming> {
    for (;;) {
      const request = this.#waiting.shift();
      if (request) return request;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Takes the execute requests out of the queue, those that just arrived included. */
  takeQueuedExecutions(): Incoming[] {
    for (let item = receiveMessageOnPort(this.#port); item; item = receiveMessageOnPort(this.#port))
      this.#receive(item.message as FromSockets);
    const executions = this.#waiting.filter(({ header }) => header.msg_type === "execute_request");
    const others = this.#waiting.filter(({ header }) => header.msg_type !== "execute_request");
    this.#waiting.splice(0, this.#waiting.length, ...others);
    return executions;
  }

  publish(type: string, content: Content, parent: Header | undefined): void {
    this.#post({ kind: "publish", message: { type, parent, content: JSON.stringify(content) } });
  }

  write(name: "stdout" | "stderr", text: string, parent: Header | undefined): void {
    this.#post({ kind: "write", name, text, parent });
  }

  /** Answers `request` on the channel that it came by, with the reply type that belongs to it. */
  reply({ header, identities }: Incoming, content: Content): void {
    const type = header.msg_type.replace(/_request$/, "_reply");
    this.#post({
      kind: "reply",
      message: { type, parent: header, identities, content: JSON.stringify(content) },
    });
  }

  /** Resolves when everything sent so far has left and the sockets are closed. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#closed = resolve;
    });
    this.#post({ kind: "close" });
    await closed;
  }

  #post(message: ToSockets): void {
    this.#port.postMessage(message);
  }

  #receive(message: FromSockets): void {
    if (message.kind === "request") {
      this.#waiting.push(message.request);
      this.#wake?.();
    } else if (message.kind === "interrupt") this.events.onInterrupt();
    else if (message.kind === "shutdown") this.events.onShutdown();
    else this.#closed?.();
  }
}
