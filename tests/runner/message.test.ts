import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { createConnection } from "../../kernel-extensions/runner/connection-file.js";
import { packRequest, unpack } from "../../kernel-extensions/runner/message.js";

const key = "a0436f6c-1916-498b-8eb9-e81ab9368e84";
const parts = ['{"msg_id":"1","msg_type":"status"}', '{"msg_id":"0"}', "{}", '{"execution_state":"idle"}'];
// By Python: hmac.new(key, b"".join(parts), hashlib.sha256).hexdigest()
const signature = "29962410be3fba6ef84dc6c20c8014b39dfa840f54bc0934ee2045fdfb0fe749";
const frames = (...texts: string[]) => texts.map((text) => Buffer.from(text));

describe("unpack", () => {
  it("reads a message signed by another implementation, whatever stands before it", () =>
    expect(unpack(frames("topic", "<IDS|MSG>", signature, ...parts), key)).toEqual({
      id: "1",
      type: "status",
      parentId: "0",
      content: { execution_state: "idle" },
    }));
  it("refuses a message that was changed on its way", () => {
    const changed = [...parts.slice(0, 3), '{"execution_state":"busy"}'];
    expect(() => unpack(frames("<IDS|MSG>", signature, ...changed), key)).toThrow("not signed");
  });
  it("refuses a message that lacks frames", () =>
    expect(() => unpack(frames("<IDS|MSG>", signature, parts[0] ?? ""), key)).toThrow("lacks frames"));
});

describe("packRequest", () => {
  it("makes frames that unpack to the same request", () => {
    const content = { code: "1 + 1", text: "训练" };
    const { id, frames: packed } = packRequest({ type: "execute_request", content }, { key, session: "s" });
    expect(unpack(frames(...packed), key)).toEqual({
      id,
      type: "execute_request",
      parentId: undefined,
      content,
    });
  });
});

describe("createConnection", () => {
  it("writes a file that only this user can read, with five different ports, and removes it", async () => {
    const connection = await createConnection();
    expect(statSync(connection.file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(connection.file)).mode & 0o777).toBe(0o700);
    expect(new Set(Object.values(connection.ports)).size).toBe(5);
    connection.remove();
    expect(existsSync(dirname(connection.file))).toBe(false);
  });
});
