import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { KernelClient } from "../../kernel-extensions/runner/client.js";
import { KernelDiedError, KernelTimeoutError } from "../../kernel-extensions/runner/errors.js";
import { startKernel } from "../kernel/cells.js";
import { isAlive, until } from "./notebooks.js";

const kernels: KernelClient[] = [];
const start = async () => {
  const kernel = await startKernel();
  kernels.push(kernel);
  return kernel;
};
afterEach(async () => {
  await Promise.all(kernels.splice(0).map((kernel) => kernel.shutdown()));
});

describe("KernelClient", () => {
  it("resolves only when all output of a cell has arrived", async () => {
    const kernel = await start();
    let text = "";
    const reply = await kernel.execute("for (let i = 0; i < 5000; i++) console.log('line', i);", {
      onMessage: ({ type, content }) => {
        if (type === "stream") text += content.text;
      },
    });
    expect(reply.status).toBe("ok");
    expect(text.split("\n")).toHaveLength(5001);
    expect(text).toMatch(/line 4999\n$/);
  });

  it("gives output of cells sent together to the right one", async () => {
    const kernel = await start();
    const outputs = ["", ""];
    await Promise.all(
      ["a", "b"].map((word, index) =>
        kernel.execute(`console.log("${word}")`, {
          onMessage: ({ type, content }) => {
            if (type === "stream") outputs[index] = `${outputs[index]}${content.text}`;
          },
        }),
      ),
    );
    expect(outputs).toEqual(["a\n", "b\n"]);
  });

  it("rejects everything that waits when the kernel dies, with its last words", async () => {
    const kernel = await start();
    const dying = kernel.execute("process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})");
    await expect(dying).rejects.toThrow(KernelDiedError);
    await expect(dying).rejects.toThrow("killed by SIGKILL");
    await expect(kernel.execute("1")).rejects.toThrow(KernelDiedError);
  });

  it("ends the kernel and what it started, and removes the connection file", async () => {
    const kernel = await start();
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
    const kernel = await start();
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
