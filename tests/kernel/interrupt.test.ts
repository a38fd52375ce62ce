import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelClient } from "../../kernel-extensions/runner/client.js";
import { run, runAndInterrupt, startKernel } from "./cells.js";

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await startKernel();
  await run(
    kernel,
    "let ticks = 0; const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));",
  );
});
afterAll(() => kernel.shutdown());

const INTERRUPTED = { status: "error", ename: "Interrupted" };
const sigint = () => {
  if (kernel.pid === undefined) throw new Error("the kernel is gone"); // 0 would mean this very process group
  process.kill(kernel.pid, "SIGINT");
};

/** Variables of earlier cells are still there and new cells run. */
async function expectUsable(): Promise<void> {
  const { reply, result } = await run(kernel, "typeof ticks");
  expect(reply.status).toBe("ok");
  expect(result).toBe("'number'");
}

describe.each([
  ["an interrupt request", undefined],
  ["SIGINT", sigint],
])("%s", (_, interrupt) => {
  it("stops a loop that never yields", async () => {
    const { reply } = await runAndInterrupt(kernel, "console.log('started'); while (true) ticks++;", {
      interrupt,
    });
    expect(reply).toMatchObject(INTERRUPTED);
    await expectUsable();
  });

  it("stops waiting for a promise", async () => {
    const { reply } = await runAndInterrupt(kernel, "console.log('started'); await sleep(60_000);", {
      interrupt,
    });
    expect(reply).toMatchObject(INTERRUPTED);
    await expectUsable();
  });

  it("aborts the signal, so that a training loop can clean up", async () => {
    const define = `
async function* train(signal: AbortSignal) {
  try {
    for (let step = 1; ; step++) { signal.throwIfAborted(); await new Promise((r) => setImmediate(r)); yield { step } }
  } finally { console.log("cleaned up") }
}
let steps = 0;`;
    await run(kernel, define);
    const loop = "console.log('started'); for await (const { step } of train(kernel.signal)) steps = step;";
    const { reply, stdout } = await runAndInterrupt(kernel, loop, { interrupt });
    expect(reply).toMatchObject(INTERRUPTED);
    expect(stdout).toBe("started\ncleaned up\n");
    expect(Number((await run(kernel, "steps")).result)).toBeGreaterThanOrEqual(0);
    expect(
      (
        await run(
          kernel,
          "for await (const { step } of train(kernel.signal)) if (step === 2) break; steps = -1",
        )
      ).result,
    ).toBe("-1");
  });
});

describe("a loop that ignores the signal", () => {
  it("neither prints into later cells nor goes on", async () => {
    const loop = "console.log('started'); for (;;) { await sleep(20); ticks++; console.log('tick'); }";
    expect((await runAndInterrupt(kernel, loop)).reply).toMatchObject(INTERRUPTED);
    const before = (await run(kernel, "ticks")).result;
    const texts: unknown[] = [];
    const stop = kernel.onIopub(({ type, content }) => type === "stream" && texts.push(content.text));
    await run(kernel, "await sleep(300);");
    stop();
    expect(texts).toEqual([]);
    expect((await run(kernel, "ticks")).result).toBe(before);
  });

  it("stops although it yields to nothing but promises", async () => {
    const { reply } = await runAndInterrupt(
      kernel,
      "console.log('started'); for (;;) { await null; ticks++; }",
    );
    expect(reply).toMatchObject(INTERRUPTED);
    await expectUsable();
  });

  it("stops although it never yields after an await", async () => {
    const { reply } = await runAndInterrupt(
      kernel,
      "await null; console.log('started'); while (true) ticks++;",
    );
    expect(reply).toMatchObject(INTERRUPTED);
    await expectUsable();
  });

  it("loses its intervals", async () => {
    const code =
      "ticks = 0; setInterval(() => { ticks++ }, 10); console.log('started'); await sleep(60_000);";
    await runAndInterrupt(kernel, code);
    const before = (await run(kernel, "ticks")).result;
    await run(kernel, "await sleep(100)");
    expect((await run(kernel, "ticks")).result).toBe(before);
  });
});

describe("the signal", () => {
  it("is what trainers without a signal of their own listen to", async () => {
    const { result } = await run(
      kernel,
      'Reflect.get(globalThis, Symbol.for("posttrain.interrupt")) === kernel.signal',
    );
    expect(result).toBe("true");
  });

  it("is seen by synchronous code that asks", async () => {
    const code =
      "let noticed = false; console.log('started'); while (!kernel.signal.aborted) ticks++; noticed = true;";
    await runAndInterrupt(kernel, code);
    expect((await run(kernel, "kernel.signal.aborted")).result).toBe("false");
  });

  it("lets a cell that handles the interrupt end well", async () => {
    const code =
      "try { console.log('started'); for (;;) { kernel.signal.throwIfAborted(); await sleep(5) } } catch { console.log('stopped early') }";
    const { reply, stdout } = await runAndInterrupt(kernel, code);
    expect(reply.status).toBe("ok");
    expect(stdout).toContain("stopped early");
  });
});

it("an interrupt with nothing running does nothing", async () => {
  await kernel.interrupt();
  sigint();
  await expectUsable();
});

it("an interrupt drops the cells that wait behind the interrupted one", async () => {
  const [first, second] = await Promise.all([
    runAndInterrupt(kernel, "console.log('started'); await sleep(60_000);"),
    run(kernel, "'should not run'"),
  ]);
  expect(first.reply).toMatchObject(INTERRUPTED);
  expect(second.reply.status).toBe("aborted");
  expect(second.outputs).toEqual([]);
  await expectUsable();
});
