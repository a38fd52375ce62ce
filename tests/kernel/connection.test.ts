import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseLaunchOptions } from "../../kernel-extensions/kernel/options.js";
import { address, readConnection } from "../../kernel-extensions/kernel/wire/connection.js";

const folder = mkdtempSync(join(tmpdir(), "posttrain-connection-"));
const file = join(folder, "kernel.json");
const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 };
const connection = { ip: "127.0.0.1", transport: "tcp", key: "k", signature_scheme: "hmac-sha256", ...ports };

describe("the connection file", () => {
  it("says where the sockets live", () => {
    writeFileSync(file, JSON.stringify({ ...connection, kernel_name: "more fields are fine" }));
    expect(address(readConnection(file), 5555)).toBe("tcp://127.0.0.1:5555");
    expect(address({ ...readConnection(file), transport: "ipc", ip: "/tmp/k" }, 1)).toBe("ipc:///tmp/k-1");
  });

  it("is refused with the name of the field that is wrong", () => {
    writeFileSync(file, JSON.stringify({ ...connection, hb_port: "five", signature_scheme: "md5" }));
    expect(() => readConnection(file)).toThrow(
      /kernel\.json is not a Jupyter connection file[\s\S]*signature_scheme[\s\S]*hb_port/,
    );
  });
});

describe("the command line", () => {
  it("takes a connection file and a root folder", () => {
    writeFileSync(file, "{}");
    expect(parseLaunchOptions(["--connection-file", file], folder)).toEqual({
      connectionFile: file,
      root: folder,
    });
    expect(parseLaunchOptions(["--connection-file", file, "--root", tmpdir()], folder).root).toBe(tmpdir());
  });

  it("says how it is used when something is missing or unknown", () => {
    expect(() => parseLaunchOptions([], folder)).toThrow(/usage/);
    expect(() => parseLaunchOptions(["--connection-file", join(folder, "none")], folder)).toThrow(
      /does not exist/,
    );
    expect(() => parseLaunchOptions(["--verbose"], folder)).toThrow(/--verbose/);
  });
});
