import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { z } from "zod";

const Ready = z.object({ versions: z.record(z.string(), z.string()), device: z.string() });
const Turn = z.object({ seconds: z.number(), outcome: z.array(z.number()), peakBytes: z.number() });

export type Ready = z.infer<typeof Ready>;
export type Turn = z.infer<typeof Turn>;

/** Longer than anything that still makes sense: a worker that is silent so long hangs. */
const PATIENCE = 10 * 60_000; // milliseconds

/** A process that does one task, one turn at a time, and waits in between. */
export class Worker {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #stderr = "";
  #failure: Error | undefined;

  constructor(name: string, command: string, args: readonly string[], environment: Record<string, string>) {
    this.#name = name;
    this.#child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: "pipe" });
    this.#child.on("error", (error) => {
      this.#failure = error;
    });
    this.#child.stdin?.on("error", () => {}); // a worker that died is noticed by its silence
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4000);
    });
    const output = this.#child.stdout;
    if (!output) throw new Error(`${name} has no output`);
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
  }

  /** Its process id; 0 when it did not start. */
  get id(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends the task, and waits until the worker could begin. */
  async prepare(order: object): Promise<Ready> {
    return Ready.parse(await this.#ask(order));
  }

  /** Has it do the task `count` times. */
  async turn(count: number): Promise<Turn> {
    return Turn.parse(await this.#ask({ count }));
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.id === 0) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }

  async #ask(message: object): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.#name} did not answer for ten minutes`)), PATIENCE);
    });
    try {
      const { value, done } = await Promise.race([this.#lines.next(), silence]);
      if (done) throw this.#ended();
      return JSON.parse(value);
    } finally {
      clearTimeout(timer);
    }
  }

  #ended(): Error {
    const said = this.#failure?.message ?? this.#stderr.trim();
    return new Error(`${this.#name} ended early${said ? `:\n${said}` : ""}`);
  }
}
