import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** What every Jupyter message says about itself. */
export interface Header {
  msg_id: string;
  session: string;
  username: string;
  date: string;
  msg_type: string;
  version: string;
}

export type Content = Record<string, unknown>;

/** A message that another program sent us. */
export interface Incoming {
  /** Routing frames: whom to answer. */
  identities: Uint8Array[];
  header: Header;
  content: Content;
}

/** A message that we send. Its content is JSON text already, so that it crosses threads cheaply and cannot fail late. */
export interface Outgoing {
  type: string;
  /** The request that caused it; a message without a cause has none. */
  parent?: Header;
  /** Whom it answers; nobody in particular when it is published. */
  identities?: Uint8Array[];
  content: string;
}

const DELIMITER = "<IDS|MSG>";
const PROTOCOL_VERSION = "5.3";
const session = randomUUID();

/** Frames in wire order: identities, delimiter, signature, header, parent header, metadata, content. */
export function encode(
  { type, parent, identities = [], content }: Outgoing,
  key: string,
): (string | Uint8Array)[] {
  const header: Header = {
    msg_id: randomUUID(),
    session: parent?.session ?? session,
    username: parent?.username ?? "kernel",
    date: new Date().toISOString(),
    msg_type: type,
    version: PROTOCOL_VERSION,
  };
  const parts = [JSON.stringify(header), JSON.stringify(parent ?? {}), "{}", content];
  return [...identities, DELIMITER, sign(parts, key), ...parts];
}

/**
 * Unpacks the frames of one message.
 * @throws {Error} when the delimiter or a part is missing, the signature is wrong, or a part is not JSON
 */
export function decode(frames: Uint8Array[], key: string): Incoming {
  const texts = frames.map((frame) => Buffer.from(frame).toString("utf8"));
  const delimiter = texts.indexOf(DELIMITER);
  const [signature, ...parts] = texts.slice(delimiter + 1);
  if (delimiter < 0 || signature === undefined || parts.length < 4)
    throw new Error(`A message of ${frames.length} frames lacks its delimiter or one of its four parts`);
  const body = parts.slice(0, 4); // binary buffers may follow; they are not signed and we use none
  if (!equal(signature, sign(body, key)))
    throw new Error("The signature of a message does not match its content");
  const [header, , , content] = body.map((part) => JSON.parse(part));
  if (typeof header?.msg_id !== "string" || typeof header.msg_type !== "string")
    throw new Error("The header of a message lacks msg_id or msg_type");
  return { identities: frames.slice(0, delimiter), header, content };
}

/** HMAC-SHA256 of the parts in hex; the empty string when the connection has no key. */
function sign(parts: string[], key: string): string {
  if (key === "") return "";
  const hash = createHmac("sha256", key);
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

function equal(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
