import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { Publisher, Reply, Router } from "zeromq";
import { address } from "./connection.js";
import { Interrupts } from "./interrupts.js";
import { decode, encode, type Incoming, type Outgoing } from "./message.js";
import { IopubQueue } from "./publisher.js";
import { Stopper } from "./stop.js";
import type { FromSockets, SocketThreadData, ToSockets } from "./thread.js";

// The entry of a worker thread that owns the five sockets. While a cell keeps the main thread busy, output still
// streams, the heartbeat beats, and an interrupt gets through.

/** After a shutdown request the process ends by itself within this time, or is ended. */
const SHUTDOWN_MS = 2000;

const PARENT_CHECK_MS = 2000;

await serve(workerData as SocketThreadData);

async function serve({ connection, kernelInfo, port: main, ...data }: SocketThreadData): Promise<void> {
  const stopper = new Stopper(new Interrupts(data.interrupts));
  const shell = new Router();
  const control = new Router();
  const stdin = new Router();
  const heartbeat = new Reply();
  const publisher = new Publisher({ sendHighWaterMark: 0 }); // never drop, however slow the reader
  await Promise.all([
    shell.bind(address(connection, connection.shell_port)),
    control.bind(address(connection, connection.control_port)),
    stdin.bind(address(connection, connection.stdin_port)),
    heartbeat.bind(address(connection, connection.hb_port)),
    publisher.bind(address(connection, connection.iopub_port)),
  ]);
  const iopub = new IopubQueue(publisher, connection.key);
  const toMain = (message: FromSockets) => main.postMessage(message);

  let replied: Promise<unknown> = Promise.resolve();
  const reply = (socket: Router, message: Outgoing) => {
    const frames = encode(message, connection.key);
    replied = replied.then(() => socket.send(frames)).catch(log);
  };

  const sockets = [shell, control, stdin, heartbeat, publisher];
  main.on("message", async (message: ToSockets) => {
    if (message.kind === "write") iopub.write(message.name, message.text, message.parent);
    else if (message.kind === "publish") iopub.publish(message.message);
    else if (message.kind === "reply") reply(shell, message.message);
    else {
      iopub.flush();
      await Promise.all([iopub.drained, replied]);
      for (const socket of sockets) socket.close();
      toMain({ kind: "closed" });
      main.close();
    }
  });

  const handleControl = ({ identities, header, content }: Incoming) => {
    const publishStatus = (execution_state: string) =>
      iopub.publish({ type: "status", parent: header, content: JSON.stringify({ execution_state }) });
    const answer = (type: string, text: string) =>
      reply(control, { type, parent: header, identities, content: text });
    publishStatus("busy");
    if (header.msg_type === "interrupt_request") {
      stopper.stop();
      toMain({ kind: "interrupt" });
      answer("interrupt_reply", JSON.stringify({ status: "ok" }));
    } else if (header.msg_type === "shutdown_request") {
      answer("shutdown_reply", JSON.stringify({ status: "ok", restart: content.restart === true }));
      toMain({ kind: "shutdown" });
      // A cell that never yields cannot end the process, so this thread does.
      setTimeout(() => process.kill(process.pid, "SIGKILL"), SHUTDOWN_MS).unref();
    } else if (header.msg_type === "kernel_info_request") {
      answer("kernel_info_reply", kernelInfo);
    }
    publishStatus("idle");
  };

  if (process.env.JPY_PARENT_PID) endWithParent();
  iopub.publish({ type: "status", content: JSON.stringify({ execution_state: "starting" }) });
  void receive(shell, connection.key, (request) => toMain({ kind: "request", request }));
  void receive(control, connection.key, handleControl);
  void receive(stdin, connection.key, () => {});
  for await (const beat of heartbeat) await heartbeat.send(beat);
}

/** Jupyter's server may be killed: its kernels must not stay behind with their models in memory. */
function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.kill(process.pid, "SIGKILL"), PARENT_CHECK_MS).unref();
}

async function receive(socket: Router, key: string, handle: (message: Incoming) => void): Promise<void> {
  for await (const frames of socket) {
    try {
      handle(decode(frames, key));
    } catch (error) {
      log(error);
    }
  }
}

// A worker's process.stderr goes through the main thread, which may be busy.
function log(error: unknown): void {
  writeSync(2, `kernel: ${String(error)}\n`);
}
