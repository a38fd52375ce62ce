import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelClient } from "../../kernel-extensions/runner/client.js";
import { LAUNCHER, run, startKernel } from "./cells.js";

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await startKernel();
});
afterAll(() => kernel.shutdown());

const execute = (code: string, options: Record<string, unknown> = {}) => {
  const types: string[] = [];
  const content = {
    code,
    silent: false,
    store_history: true,
    user_expressions: {},
    stop_on_error: true,
    ...options,
  };
  const reply = kernel.request("execute_request", content, { onMessage: ({ type }) => types.push(type) });
  return reply.then((answer) => ({ reply: answer, types }));
};

describe("execution", () => {
  it("announces the code, counts the cells and shows the result between busy and idle", async () => {
    const { reply, types } = await execute("1 + 1");
    expect(types).toEqual(["status", "execute_input", "execute_result", "status"]);
    const next = await execute("2");
    expect(Number(next.reply.execution_count)).toBe(Number(reply.execution_count) + 1);
  });

  it("shows nothing and counts nothing when silent", async () => {
    const before = await execute("0");
    const { reply, types } = await execute("console.log('x'); 5", { silent: true });
    expect(types).toEqual(["status", "status"]);
    expect(reply.execution_count).toBe(before.reply.execution_count);
  });

  it("evaluates the client's own expressions", async () => {
    const { reply } = await execute("const seven = 7;", {
      user_expressions: { good: "seven * 2", bad: "nine" },
    });
    expect(reply.user_expressions).toMatchObject({
      good: { status: "ok", data: { "text/plain": "14" } },
      bad: { status: "error", ename: "TypeScriptError" },
    });
  });

  it("keeps the traces of numbered cells when silent code runs in between", async () => {
    await execute("// first line\nfunction thrower(): never { throw new Error('here') }");
    await execute("1\n2\n3", { silent: true, user_expressions: { other: "1" } });
    expect((await run(kernel, "thrower()")).traceback).toMatch(
      /2 function thrower\(\)[\s\S]*at thrower \(Cell \d+, line 2\)/,
    );
  });

  it("aborts what was sent together with a cell that fails, and runs what is sent afterwards", async () => {
    const together = await Promise.all([execute("throw new Error('stop')"), execute("1"), execute("2")]);
    expect(together.map(({ reply }) => reply.status)).toEqual(["error", "aborted", "aborted"]);
    expect((await execute("3")).reply.status).toBe("ok");
  });

  it("goes on after an error when the client asks for it", async () => {
    const both = await Promise.all([
      execute("throw new Error('on')", { stop_on_error: false }),
      execute("'ran'"),
    ]);
    expect(both.map(({ reply }) => reply.status)).toEqual(["error", "ok"]);
  });

  it("keeps the order of many cells sent at once", async () => {
    const codes = Array.from(
      { length: 20 },
      (_, i) => `const queued${i} = ${i === 0 ? "0" : `queued${i - 1} + 1`};`,
    );
    const replies = await Promise.all(codes.map((code) => execute(code)));
    expect(new Set(replies.map(({ reply }) => reply.status))).toEqual(new Set(["ok"]));
    expect((await run(kernel, "queued19")).result).toBe("19");
  });

  it("answers name? with its documentation", async () => {
    const { reply } = await execute("progress?");
    const [page] = reply.payload as { source: string; data: Record<string, string> }[];
    expect(page?.source).toBe("page");
    expect(page?.data["text/plain"]).toContain("Iterates `items` unchanged");
  });
});

describe("help while writing", () => {
  it("completes names of earlier cells and members, after characters of any width", async () => {
    await execute("const learningRate = 0.1; const text = 'x';");
    const names = await kernel.request("complete_request", { code: "'😀'; learn", cursor_pos: 11 });
    expect(names).toMatchObject({ status: "ok", matches: ["learningRate"], cursor_start: 5, cursor_end: 10 });
    const members = await kernel.request("complete_request", { code: "text.toUpper", cursor_pos: 12 });
    expect(members.matches).toContain("toUpperCase");
  });

  it("tells type and documentation of a name", async () => {
    await execute("/** Adds one. */ function increment(x: number) { return x + 1 }");
    const earlier = await kernel.request("inspect_request", {
      code: "increment(2)",
      cursor_pos: 4,
      detail_level: 0,
    });
    expect(earlier).toMatchObject({ status: "ok", found: true });
    expect((earlier.data as Record<string, string>)["text/plain"]).toContain("increment(x: number): number");
    const global = await kernel.request("inspect_request", {
      code: "display(1)",
      cursor_pos: 7,
      detail_level: 0,
    });
    expect((global.data as Record<string, string>)["text/markdown"]).toContain(
      "Shows `value` below the cell",
    );
    const nothing = await kernel.request("inspect_request", { code: "  ", cursor_pos: 1, detail_level: 0 });
    expect(nothing).toMatchObject({ status: "ok", found: false });
  });

  it("knows complete, incomplete and invalid code", async () => {
    const status = async (code: string) => (await kernel.request("is_complete_request", { code })).status;
    expect(await status("const a = 1")).toBe("complete");
    expect(await kernel.request("is_complete_request", { code: "  if (a) {" })).toEqual({
      status: "incomplete",
      indent: "    ",
    });
    expect(await status("`not closed")).toBe("incomplete");
    expect(await status("const = 2")).toBe("invalid");
  });
});

describe("other requests", () => {
  it("describes itself on both channels", async () => {
    for (const channel of ["shell", "control"] as const) {
      const info = await kernel.request("kernel_info_request", {}, { channel });
      expect(info).toMatchObject({
        status: "ok",
        language_info: { name: "typescript", file_extension: ".ts" },
      });
    }
  });

  it("remembers its inputs and results", async () => {
    await execute("40 + 2");
    const tail = await kernel.request("history_request", {
      hist_access_type: "tail",
      n: 1,
      output: true,
      raw: true,
    });
    expect(tail.history).toMatchObject([[1, expect.any(Number), ["40 + 2", "42"]]]);
    const found = await kernel.request("history_request", {
      hist_access_type: "search",
      pattern: "40*",
      unique: true,
    });
    expect(found.history).toHaveLength(1);
  });

  it("has no comms", async () => {
    expect(await kernel.request("comm_info_request", {})).toEqual({ status: "ok", comms: {} });
  });

  it("answers a malformed request with an error and lives on", async () => {
    expect(await kernel.request("complete_request", { code: 5 })).toMatchObject({
      status: "error",
      ename: "ZodError",
    });
    expect((await run(kernel, "'alive'")).result).toBe("'alive'");
  });
});

describe("life and death", () => {
  it("serves another project folder with its own files, and ends with code 0", async () => {
    const root = mkdtempSync(join(tmpdir(), "posttrain-kernel-"));
    writeFileSync(join(root, "helper.ts"), "export const twice = (x: number): number => 2 * x;\n");
    const elsewhere = await startKernel("--root", root);
    const { result } = await run(elsewhere, "import { twice } from './helper'; [process.cwd(), twice(21)]");
    expect(result).toBe(`[ '${root}', 42 ]`);
    writeFileSync(join(root, "helper.ts"), "export const twice = (x: number): string => `2 × ` + x;\n");
    await expect
      .poll(async () => (await run(elsewhere, "import { twice } from './helper'; twice(21)")).result, {
        timeout: 10_000,
      })
      .toBe("'2 × 21'");
    const ended = elsewhere.ended;
    await elsewhere.shutdown();
    expect(await ended).toBe("exit code 0");
  });

  it("ends although a cell never does", async () => {
    const busy = await startKernel();
    run(busy, "console.log('on'); while (true) ;").catch(() => {}); // dies with the kernel
    await new Promise<void>((resolve) => busy.onIopub(({ type }) => type === "stream" && resolve()));
    await busy.shutdown(10_000);
    expect(await busy.ended).toContain("SIGKILL");
  });

  it("refuses a root that does not exist", async () => {
    await expect(startKernel("--root", "/does/not/exist")).rejects.toThrow(/does not exist/);
  });

  it("says so and ends when a port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const taken = (server.address() as AddressInfo).port;
    const ports = { shell_port: 0, iopub_port: taken, stdin_port: 0, control_port: 0, hb_port: 0 };
    const file = join(mkdtempSync(join(tmpdir(), "posttrain-kernel-")), "kernel.json");
    const connection = {
      ip: "127.0.0.1",
      transport: "tcp",
      key: "k",
      signature_scheme: "hmac-sha256",
      ...ports,
    };
    writeFileSync(file, JSON.stringify(connection));
    const { status, stderr } = spawnSync(process.execPath, [LAUNCHER, "--connection-file", file], {
      encoding: "utf8",
    });
    server.close();
    expect(stderr).toContain("Address already in use");
    expect(status).toBe(1);
  });
});
