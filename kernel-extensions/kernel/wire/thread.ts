import type { MessagePort } from "node:worker_threads";
import type { Connection } from "./connection.js";
import type { Header, Incoming, Outgoing } from "./message.js";

/** What the socket thread needs to start. */
export interface SocketThreadData {
  connection: Connection;
  /** The content of `kernel_info_reply`, so that the control channel answers while a cell runs. */
  kernelInfo: string;
  /** The memory of `Interrupts`. */
  interrupts: SharedArrayBuffer;
  /** Carries {@link FromSockets} one way and {@link ToSockets} the other. */
  port: MessagePort;
}

/** From the thread that runs cells to the thread that owns the sockets. */
export type ToSockets =
  | { kind: "publish"; message: Outgoing }
  | { kind: "reply"; message: Outgoing }
  | { kind: "write"; name: string; text: string; parent: Header | undefined }
  | { kind: "close" };

/** From the thread that owns the sockets to the thread that runs cells. */
export type FromSockets =
  | { kind: "request"; request: Incoming }
  | { kind: "interrupt" }
  | { kind: "shutdown" }
  | { kind: "closed" };
