import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHANNELS = ["shell", "iopub", "stdin", "control", "hb"] as const;
export type Channel = (typeof CHANNELS)[number];

export interface Connection {
  file: string;
  key: string;
  ports: Record<Channel, number>;
  /** Deletes the file and its folder. */
  remove(): void;
}

/** A connection file in a folder that only this user can read: five free ports of 127.0.0.1 and a random key. */
export async function createConnection(): Promise<Connection> {
  const [shell, iopub, stdin, control, hb] = (await freePorts(CHANNELS.length)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const ports = { shell, iopub, stdin, control, hb };
  const key = randomUUID();
  const folder = mkdtempSync(join(tmpdir(), "posttrain-kernel-")); // mkdtemp makes it mode 700
  const file = join(folder, "connection.json");
  const description = {
    ...Object.fromEntries(CHANNELS.map((channel) => [`${channel}_port`, ports[channel]])),
    ...{ ip: "127.0.0.1", transport: "tcp", key, signature_scheme: "hmac-sha256", kernel_name: "posttrain" },
  };
  writeFileSync(file, JSON.stringify(description), { mode: 0o600 });
  folders.add(folder);
  return { file, key, ports, remove: () => remove(folder) };
}

const folders = new Set<string>();

function remove(folder: string): void {
  folders.delete(folder);
  rmSync(folder, { recursive: true, force: true });
}

process.on("exit", () => {
  for (const folder of folders) remove(folder);
});

/** Asks the system for ports, holding all of them until the last is found so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}
