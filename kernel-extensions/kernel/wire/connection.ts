import { readFileSync } from "node:fs";
import { z } from "zod";

const port = z.number().int().min(0).max(65_535);

const connection = z.object({
  ip: z.string(),
  transport: z.enum(["tcp", "ipc"]),
  key: z.string(),
  signature_scheme: z.literal("hmac-sha256"),
  shell_port: port,
  iopub_port: port,
  stdin_port: port,
  control_port: port,
  hb_port: port,
});

/** Where the five sockets of a kernel live and how their messages are signed. */
export type Connection = z.infer<typeof connection>;

/**
 * Reads Jupyter's connection file.
 * @throws {Error} naming the file and the field when it is not one
 */
export function readConnection(file: string): Connection {
  const parsed = connection.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (parsed.success) return parsed.data;
  throw new Error(`${file} is not a Jupyter connection file\n${z.prettifyError(parsed.error)}`);
}

/** The address that a socket binds to, `tcp://127.0.0.1:5555` or `ipc:///path-5555`. */
export function address({ transport, ip }: Connection, port: number): string {
  return transport === "ipc" ? `ipc://${ip}-${port}` : `tcp://${ip}:${port}`;
}
