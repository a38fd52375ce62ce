import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { KernelClient } from "../../kernel-extensions/runner/client.js";
import { KernelDiedError, KernelTimeoutError } from "../../kernel-extensions/runner/errors.js";
import { startKernel } from "../kernel/cells.js";
import { isAlive, until } from "./notebooks.js";

let kernel: KernelClient;
afterEach(() => kernel?.shutdown());

describe("KernelClient", () => {
  it("resolves only when all output of a cell has arrived, each cell's its own", async () => {
    kernel = await startKernel();
    const outputs = ["", ""];
    const replies = await Promise.all(
      ["a", "b"].map((word, index) =>
        kernel.execute(`for (let i = 0; i < 5000; i++) console.log("${word}", i);`, {
          onMessage: ({ type, content }) => {
            if (type === "stream") outputs[index] = `${outputs[index]}${content.text}`;
          },
        }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(["ok", "ok"]);
    for (const [index, word] of ["a", "b"].entries()) {
      expect(outputs[index]?.split("\n")).toHaveLength(5001);
      expect(outputs[index]).toMatch(new RegExp(`^${word} 0\n[\\s\\S]*\n${word} 4999\n$`));
    }
  });

  it("rejects everything that waits when the kernel dies, with its last words", async () => {
    kernel = await startKernel();
    const dying = kernel.execute("process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})");
    await expect(dying).rejects.toThrow(KernelDiedError);
    await expect(dying).rejects.toThrow("killed by SIGKILL");
    await expect(kernel.execute("1")).rejects.toThrow(KernelDiedError);
  });

  it("ends the kernel and what it started, and removes the connection file", async () => {
    kernel = await startKernel();
    const seen: string[] = [];
    await kernel.execute(
      "import { spawn } from 'node:child_process';\nconsole.log(spawn('sleep', ['600']).pid, process.argv.join(' '))",
      { onMessage: ({ type, content }) => type === "stream" && seen.push(String(content.text)) },
    );
    const [child = 0, file = ""] = [
      Number(seen.join("").split(" ")[0]),
      /\S*connection\.json/.exec(seen.join(""))?.[0],
    ];
    expect([isAlive(child), existsSync(file)]).toEqual([true, true]);
    await kernel.shutdown();
    await until(() => !isAlive(child));
    expect(existsSync(dirname(file))).toBe(false);
  });

  it("ends a kernel that is busy and does not listen", async () => {
    kernel = await startKernel();
    const { pid = 0 } = kernel;
    kernel.execute("for (;;) {}").catch(() => {});
    await kernel.shutdown(200);
    expect(isAlive(pid)).toBe(false);
  });
});

describe("KernelClient.start", () => {
  it("says why a kernel did not come up", async () => {
    const failing = KernelClient.start([
      process.execPath,
      "-e",
      "console.error('no such thing'); process.exit(3)",
    ]);
    await expect(failing).rejects.toThrow(/exit code 3[\s\S]*no such thing/);
  });
  it("says when there is no such program", () =>
    expect(KernelClient.start(["no-such-kernel-program"])).rejects.toThrow(/ENOENT/));
  it("gives up on a kernel that never answers, and ends it", async () => {
    const silent = [process.execPath, "-e", "console.log(process.pid); setInterval(() => {}, 1000)"];
    const started = KernelClient.start(silent, { startTimeout: 1000 }).catch((error: unknown) => error);
    const error = await started;
    expect(error).toBeInstanceOf(KernelTimeoutError);
    const pid = Number(/last words:\s*(\d+)/.exec(String(error))?.[1]);
    await until(() => !isAlive(pid));
  });
});
