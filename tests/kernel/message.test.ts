import { describe, expect, it } from "vitest";
import { decode, encode, type Header } from "../../kernel-extensions/kernel/wire/message.js";

const parent: Header = {
  msg_id: "p",
  session: "s",
  username: "u",
  date: "",
  msg_type: "execute_request",
  version: "5.3",
};
const frames = (key: string) =>
  encode({ type: "stream", parent, identities: [Buffer.from("who")], content: '{"text":"中文"}' }, key).map(
    (frame) => Buffer.from(frame),
  );

describe("Jupyter messages", () => {
  it("come back as they were sent, with whom to answer", () => {
    const { identities, header, content } = decode(frames("secret"), "secret");
    expect(identities.map(String)).toEqual(["who"]);
    expect(header).toMatchObject({ msg_type: "stream", session: "s", username: "u" });
    expect(content).toEqual({ text: "中文" });
  });

  it("are refused when signed with another key or changed on the way", () => {
    expect(() => decode(frames("other"), "secret")).toThrow(/signature/);
    const changed = frames("secret");
    changed[changed.length - 1] = Buffer.from('{"text":"evil"}');
    expect(() => decode(changed, "secret")).toThrow(/signature/);
  });

  it("carry no signature when the connection has no key", () => {
    expect(decode(frames(""), "").content).toEqual({ text: "中文" });
  });

  it("are refused when a part is missing", () => {
    expect(() => decode(frames("k").slice(0, 5), "k")).toThrow(/delimiter or one of its four parts/);
    expect(() => decode([Buffer.from("noise")], "k")).toThrow(/delimiter/);
  });
});
