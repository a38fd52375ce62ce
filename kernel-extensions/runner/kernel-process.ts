import { type ChildProcess, spawn } from "node:child_process";

export interface KernelProcessOptions {
  /** Working directory. @default the runner's */
  cwd?: string;
  /** Added to the runner's environment. */
  env?: Record<string, string>;
}

const running = new Set<KernelProcess>();
const LAST_WORDS = 4_000; // characters of stderr kept for an error message

/**
 * A kernel as an operating-system process. It has a process group of its own, so that Ctrl-C reaches the runner alone
 * and whatever the kernel started ends with it; it never outlives the runner's orderly exit.
 */
export class KernelProcess {
  /** Resolves to a few words on how it ended. Never rejects. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  #lastWords = "";

  constructor(command: readonly string[], { cwd, env }: KernelProcessOptions) {
    const [program = "", ...args] = command;
    this.#child = spawn(program, args, {
      cwd,
      env: { ...process.env, JPY_PARENT_PID: String(process.pid), ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: process.platform !== "win32",
    });
    const remember = (text: Buffer) => {
      this.#lastWords = (this.#lastWords + text.toString()).slice(-LAST_WORDS);
    };
    this.#child.stdout?.on("data", remember);
    this.#child.stderr?.on("data", remember);
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("exit", () => this.kill()); // what it started and left behind; its pipes close with it
      this.#child.once("close", (code, signal) =>
        resolve(signal ? `killed by ${signal}` : `exit code ${code}`),
      );
    });
    running.add(this);
    void this.ended.then(() => running.delete(this));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The end of what it wrote to its own output, which is not the output of cells. */
  get lastWords(): string {
    return this.#lastWords.trim();
  }

  /** Sends a signal to the kernel alone. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends the kernel and everything it started, at once. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
    } catch {
      // it has ended already
    }
  }
}

process.on("exit", () => {
  for (const kernel of running) kernel.kill();
});
