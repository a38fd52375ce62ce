import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** One message of Jupyter's protocol, version 5.3. */
export interface Message {
  type: string;
  id: string;
  /** Id of the request that caused it. */
  parentId: string | undefined;
  content: Record<string, unknown>;
}

const DELIMITER = "<IDS|MSG>";

/** The frames of a request: delimiter, signature, header, parent header, metadata, content. */
export function packRequest(
  { type, content }: { type: string; content: Record<string, unknown> },
  { key, session }: { key: string; session: string },
): { id: string; frames: string[] } {
  const id = randomUUID();
  const date = new Date().toISOString();
  const header = { msg_id: id, session, username: "posttrain", date, msg_type: type, version: "5.3" };
  const parts = [header, {}, {}, content].map((part) => JSON.stringify(part));
  return { id, frames: [DELIMITER, sign(parts, key), ...parts] };
}

/**
 * Reads what the kernel sent.
 * @throws {Error} when frames are missing or the signature does not belong to them
 */
export function unpack(frames: readonly Uint8Array[], key: string): Message {
  const texts = frames.map((frame) => Buffer.from(frame).toString("utf8"));
  const [signature = "", ...parts] = texts.slice(texts.indexOf(DELIMITER) + 1);
  const [header, parent, , content] = parts;
  if (header === undefined || parent === undefined || content === undefined)
    throw new Error("A message of the kernel lacks frames.");
  const [given, expected] = [Buffer.from(signature), Buffer.from(sign(parts.slice(0, 4), key))];
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Error("A message of the kernel is not signed with the key of its connection file.");
  const { msg_id, msg_type } = JSON.parse(header) as { msg_id: string; msg_type: string };
  const { msg_id: parentId } = JSON.parse(parent) as { msg_id?: string };
  return { id: msg_id, type: msg_type, parentId, content: JSON.parse(content) };
}

const sign = (parts: readonly string[], key: string): string =>
  createHmac("sha256", key).update(parts.join("")).digest("hex");
