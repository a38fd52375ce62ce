import { writeSync } from "node:fs";
import type { Publisher } from "zeromq";
import { encode, type Header, type Outgoing } from "./message.js";

/** Text written within this time is joined into one message. */
const JOIN_MS = 20;

/** Text of one stream of one cell, not yet sent. */
interface PendingText {
  name: string;
  parent: Header | undefined;
  chunks: string[];
}

/**
 * Publishes messages one after another, in the order given. Consecutive text of the same stream is joined:
 * a loop that prints 20,000 lines becomes a handful of messages, and none of them is lost.
 */
export class IopubQueue {
  #text: PendingText | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sent: Promise<void> = Promise.resolve();

  constructor(
    readonly socket: Publisher,
    readonly key: string,
  ) {}

  write(name: string, text: string, parent: Header | undefined): void {
    if (this.#text && (this.#text.name !== name || this.#text.parent?.msg_id !== parent?.msg_id))
      this.flush();
    this.#text ??= { name, parent, chunks: [] };
    this.#text.chunks.push(text);
    this.#timer ??= setTimeout(() => this.flush(), JOIN_MS);
  }

  publish(message: Outgoing): void {
    this.flush();
    this.#send(message);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#text) return;
    const { name, parent, chunks } = this.#text;
    this.#text = undefined;
    this.#send({ type: "stream", parent, content: JSON.stringify({ name, text: chunks.join("") }) });
  }

  /** Resolves when everything given so far has been handed to the socket. */
  get drained(): Promise<void> {
    return this.#sent;
  }

  // zeromq.js refuses a send while another is under way, so each waits for the one before.
  #send(message: Outgoing): void {
    const frames = [`kernel.${message.type}`, ...encode(message, this.key)];
    this.#sent = this.#sent.then(() => this.socket.send(frames)).catch(reportLostMessage);
  }
}

function reportLostMessage(error: unknown): void {
  writeSync(2, `kernel: a message could not be sent: ${String(error)}\n`);
}
