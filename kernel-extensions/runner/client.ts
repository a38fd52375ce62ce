import { randomUUID } from "node:crypto";
import { Dealer, Subscriber } from "zeromq";
import { type Connection, createConnection } from "./connection-file.js";
import { KernelDiedError, KernelTimeoutError } from "./errors.js";
import { KernelProcess, type KernelProcessOptions } from "./kernel-process.js";
import { type Message, packRequest, unpack } from "./message.js";

export interface KernelClientOptions extends KernelProcessOptions {
  /** How long the kernel may take to answer for the first time, in milliseconds. @default 60000 */
  startTimeout?: number;
}

export interface RequestOptions {
  /** @default "shell" */
  channel?: "shell" | "control";
  /** Called with every message that the request causes on iopub, in order, before the request resolves. */
  onMessage?: (message: Message) => void;
}

/** The content of an `execute_reply`. */
export interface ExecuteReply {
  status: "ok" | "error" | "aborted";
  execution_count?: number;
  ename?: string;
  evalue?: string;
  traceback?: string[];
  [field: string]: unknown;
}

interface Pending {
  onMessage: ((message: Message) => void) | undefined;
  reply: Record<string, unknown> | undefined;
  idle: boolean;
  resolve(reply: Record<string, unknown>): void;
  reject(error: Error): void;
}

/**
 * A Jupyter kernel that this process starts, talks to over ZeroMQ on 127.0.0.1 and ends.
 *
 * @example
 * const kernel = await KernelClient.start([process.execPath, "kernel.js", "--connection-file", "{connection_file}"]);
 * const reply = await kernel.execute("1 + 1", { onMessage: ({ type, content }) => console.log(type, content) });
 * await kernel.shutdown();
 */
export class KernelClient {
  readonly #process: KernelProcess;
  readonly #connection: Connection;
  readonly #session = randomUUID();
  readonly #shell = new Dealer({ linger: 0 });
  readonly #control = new Dealer({ linger: 0 });
  readonly #iopub = new Subscriber({ receiveHighWaterMark: 0, linger: 0 });
  readonly #pending = new Map<string, Pending>();
  readonly #listeners = new Set<(message: Message) => void>();
  #death: Error | undefined;
  #closing = false;

  /**
   * Starts a kernel and waits until it answers and its output channel is connected.
   *
   * @param command  program and arguments; `{connection_file}` is replaced, as in a kernelspec
   * @throws {KernelDiedError} when the process ends first; its last words are in the message
   * @throws {KernelTimeoutError} when it does not answer in time
   */
  static async start(
    command: readonly string[],
    { startTimeout = 60_000, ...options }: KernelClientOptions = {},
  ): Promise<KernelClient> {
    const connection = await createConnection();
    const argv = command.map((word) => word.replace("{connection_file}", connection.file));
    const client = new KernelClient(new KernelProcess(argv, options), connection);
    try {
      await client.#connected(startTimeout);
      return client;
    } catch (error) {
      client.kill();
      throw error;
    }
  }

  private constructor(process: KernelProcess, connection: Connection) {
    this.#process = process;
    this.#connection = connection;
    const address = (channel: "shell" | "iopub" | "control") =>
      `tcp://127.0.0.1:${connection.ports[channel]}`;
    this.#shell.connect(address("shell"));
    this.#control.connect(address("control"));
    this.#iopub.connect(address("iopub"));
    this.#iopub.subscribe();
    void this.#listen(this.#shell, (message) => this.#replied(message));
    void this.#listen(this.#control, (message) => this.#replied(message));
    void this.#listen(this.#iopub, (message) => this.#published(message));
    void process.ended.then((how) => this.#died(how));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Resolves, when the process has ended, to a few words on how. */
  get ended(): Promise<string> {
    return this.#process.ended;
  }

  /** Calls `listener` with every message on iopub, whatever caused it; returns how to stop that. */
  onIopub(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Sends a request and resolves to the content of its reply once the kernel is idle again and all output has arrived.
   * @throws {KernelDiedError} when the kernel ends first
   */
  request(
    type: string,
    content: Record<string, unknown> = {},
    { channel = "shell", onMessage }: RequestOptions = {},
  ): Promise<Record<string, unknown>> {
    if (this.#death) return Promise.reject(this.#death);
    const { id, frames } = packRequest(
      { type, content },
      { key: this.#connection.key, session: this.#session },
    );
    const socket = channel === "shell" ? this.#shell : this.#control;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { onMessage, reply: undefined, idle: false, resolve, reject });
      socket.send(frames).catch(reject);
    });
  }

  /** Executes code as a notebook cell. A cell that throws resolves with `status: "error"`. */
  async execute(code: string, { onMessage }: Pick<RequestOptions, "onMessage"> = {}): Promise<ExecuteReply> {
    const content = {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    };
    return (await this.request("execute_request", content, { onMessage })) as ExecuteReply;
  }

  /** Asks the kernel to interrupt the running cell. */
  async interrupt(): Promise<void> {
    await this.request("interrupt_request", {}, { channel: "control" });
  }

  /** Asks the kernel to end, and ends it when it has not after `patience` milliseconds. @default 3000 */
  async shutdown(patience = 3000): Promise<void> {
    this.#closing = true;
    if (!this.#death)
      this.request("shutdown_request", { restart: false }, { channel: "control" }).catch(() => {});
    const timer = setTimeout(() => this.#process.kill(), patience);
    await this.#process.ended;
    clearTimeout(timer);
  }

  /** Ends the kernel at once. */
  kill(): void {
    this.#closing = true;
    this.#process.kill();
  }

  async #listen(socket: Dealer | Subscriber, handle: (message: Message) => void): Promise<void> {
    for await (const frames of socket) handle(unpack(frames, this.#connection.key));
  }

  // The subscription is complete when the output of a request arrives, not when its reply does: ask until then.
  async #connected(timeout: number): Promise<void> {
    const deadline = Date.now() + timeout;
    while (Date.now() < deadline) {
      const answered = this.request("kernel_info_request").then(() => true);
      if (await Promise.race([answered, after(500, false)])) return;
    }
    throw new KernelTimeoutError(
      `The kernel did not answer within ${timeout / 1000} s.${this.#lastWords()}`,
      {
        code: "runner/start-timeout",
        hint: "A busy machine may need longer: pass a larger startTimeout.",
      },
    );
  }

  #replied({ parentId, content }: Message): void {
    const pending = this.#pending.get(parentId ?? "");
    if (!pending) return;
    pending.reply = content;
    this.#settle(parentId, pending);
  }

  #published(message: Message): void {
    for (const listener of this.#listeners) listener(message);
    const pending = this.#pending.get(message.parentId ?? "");
    if (!pending) return;
    pending.onMessage?.(message);
    if (message.type !== "status" || message.content.execution_state !== "idle") return;
    pending.idle = true;
    this.#settle(message.parentId, pending);
  }

  #settle(id: string | undefined, { idle, reply, resolve }: Pending): void {
    if (!idle || !reply || id === undefined) return;
    this.#pending.delete(id);
    resolve(reply);
  }

  #died(how: string): void {
    this.#death = new KernelDiedError(
      `The kernel has ended (${how}).${this.#closing ? "" : this.#lastWords()}`,
      {
        code: "runner/kernel-died",
        value: how,
        hint: "Out of memory is the usual reason when a kernel is killed; otherwise its last words say more.",
      },
    );
    for (const { reject } of this.#pending.values()) reject(this.#death);
    this.#pending.clear();
    for (const socket of [this.#shell, this.#control, this.#iopub]) socket.close();
    this.#connection.remove();
  }

  #lastWords(): string {
    const words = this.#process.lastWords;
    return words ? `\nIts last words:\n${words}` : "";
  }
}

const after = <T>(milliseconds: number, value: T): Promise<T> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds, value));
