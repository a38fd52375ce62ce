import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelClient } from "../../kernel-extensions/runner/client.js";
import { bundleOf, run, startKernel, textOf } from "./cells.js";

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await startKernel();
});
afterAll(() => kernel.shutdown());

const FIGURE = `
const figure = (y: number[]) => ({
  [Symbol.for("Jupyter.display")]: () => ({
    "application/vnd.plotly.v1+json": { data: [{ type: "scatter", y }], layout: { width: 300, height: 200 } },
    "text/plain": "figure of " + y.length,
  }),
});`;

describe("text", () => {
  it("arrives whole after 20,000 lines, in few messages, and the kernel is idle again", async () => {
    const { stdout, outputs, reply } = await run(
      kernel,
      "for (let i = 0; i < 20_000; i++) console.log('line', i)",
    );
    expect(reply.status).toBe("ok");
    const expected = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join("");
    expect(stdout === expected).toBe(true);
    expect(outputs.length).toBeLessThan(400);
  });

  it("keeps stdout and stderr apart and in order", async () => {
    const { outputs } = await run(
      kernel,
      "console.log('a'); console.error('b'); process.stdout.write('c'); console.warn('d')",
    );
    expect(outputs.map(({ content }) => [content.name, content.text])).toEqual([
      ["stdout", "a\n"],
      ["stderr", "b\n"],
      ["stdout", "c"],
      ["stderr", "d\n"],
    ]);
  });

  it("shows tensors as numbers", async () => {
    const code =
      "import { tf, useBackend } from 'posttrain/backend'; await useBackend('cpu'); console.log({ loss: tf.scalar(0.5) })";
    expect((await run(kernel, code)).stdout).toBe("{ loss: Tensor(0.5) }\n");
  });

  it("arrives while a loop that never yields is still running", async () => {
    const times: number[] = [];
    const stop = kernel.onIopub(({ type }) => type === "stream" && times.push(performance.now()));
    await run(
      kernel,
      "console.log('begin'); for (const end = Date.now() + 600; Date.now() < end; ) ; console.log('end')",
    );
    stop();
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(300);
  });

  it("from a cell that is over stays with that cell", async () => {
    const parents = new Map<string, string | undefined>();
    const stop = kernel.onIopub(({ type, content, parentId }) => {
      if (type === "stream") parents.set(String(content.text).trim(), parentId);
    });
    await run(kernel, "setTimeout(() => console.log('late'), 200); console.log('early')");
    await run(kernel, "await new Promise((resolve) => setTimeout(resolve, 400)); console.log('next')");
    stop();
    expect(parents.get("late")).toBe(parents.get("early"));
    expect(parents.get("next")).not.toBe(parents.get("early"));
  });
});

describe("display", () => {
  it("shows values in the order of the calls, although some take longer to render", async () => {
    const slow =
      "const slow = { [Symbol.for('Jupyter.display')]: async () => { await new Promise((r) => setTimeout(r, 150)); return { 'text/plain': 'slow' } } };";
    const { outputs } = await run(
      kernel,
      `${slow}\nconsole.log('one'); display(slow); console.log('two'); display('fast'); 'result'`,
    );
    const seen = outputs.map((message) => message.content.text ?? textOf(message));
    expect(seen).toEqual(["one\n", "slow", "two\n", "'fast'", "'result'"]);
  });

  it("is updated through its handle, also from a later cell", async () => {
    const first = await run(kernel, "const shown = display('first'); shown.update('second');");
    const [display, update] = first.outputs;
    expect(update?.type).toBe("update_display_data");
    expect(update?.content.transient).toEqual(display?.content.transient);
    const later = await run(kernel, "shown.update('third');");
    expect(later.outputs.map(textOf)).toEqual(["'third'"]);
    expect(later.outputs[0]?.content.transient).toEqual(display?.content.transient);
  });

  it("is shown once when it is the last thing in a cell", async () => {
    expect((await run(kernel, "display('only')")).outputs.map(textOf)).toEqual(["'only'"]);
  });

  it("thins out rapid updates and always shows the last", async () => {
    const { outputs } = await run(
      kernel,
      "const counter = display(0); for (let i = 1; i <= 500; i++) { counter.update(i); await null }",
    );
    expect(outputs.length).toBeLessThan(50);
    expect(textOf(outputs.at(-1))).toBe("500");
  });

  it("gives a live figure its picture once, at the end", async () => {
    const code = `${FIGURE}\nconst chart = display(figure([1])); for (const n of [2, 3, 4]) { chart.update(figure(Array(n).fill(n))); await new Promise((r) => setTimeout(r, 120)) }`;
    const { outputs } = await run(kernel, code);
    const updates = outputs.slice(1);
    expect(outputs[0]?.type).toBe("display_data");
    expect(updates.map((message) => "image/png" in bundleOf(message)).indexOf(true)).toBe(updates.length - 1);
    expect(textOf(updates.at(-1))).toBe("figure of 4");
  });

  it("says when a value cannot show itself, and goes on", async () => {
    const { stderr, result } = await run(
      kernel,
      "display({ [Symbol.for('Jupyter.display')]: () => { throw new Error('camera shy') } }); 'on'",
    );
    expect(stderr).toContain("camera shy");
    expect(result).toBe("'on'");
  });

  it("shows tables and tensors as themselves", async () => {
    const table = await run(kernel, "import * as aq from 'arquero'; aq.table({ a: [1, 2] })");
    expect(bundleOf(table.outputs[0])["text/html"]).toContain("<table>");
    const tensor = await run(
      kernel,
      "import { tf, useBackend } from 'posttrain/backend'; await useBackend('cpu'); tf.tensor2d([[1, 2], [3, 4]])",
    );
    expect(tensor.result).toContain("float32 [2, 2]");
  });

  it("clears the outputs on demand", async () => {
    const { outputs } = await run(
      kernel,
      "console.log('old'); kernel.clearOutput({ wait: true }); console.log('new')",
    );
    expect(outputs.map(({ type, content }) => content.text ?? [type, content.wait])).toEqual([
      "old\n",
      ["clear_output", true],
      "new\n",
    ]);
  });

  it("still serves tslab's own display", async () => {
    const { outputs } = await run(
      kernel,
      "import { display as tslabDisplay } from 'tslab'; tslabDisplay.html('<b>bold</b>');",
    );
    expect(bundleOf(outputs[0])).toEqual({ "text/html": "<b>bold</b>" });
  });
});

describe("progress", () => {
  it("passes items through and ends in a calm state", async () => {
    const { outputs, result } = await run(
      kernel,
      "let total = 0; for (const n of progress([1, 2, 3], { label: 'adding' })) total += n; total",
    );
    expect(result).toBe("6");
    const bars = outputs.filter(({ type }) => type.endsWith("display_data"));
    expect(bars.map(({ type }) => type)).toEqual([
      "display_data",
      ...Array(bars.length - 1).fill("update_display_data"),
    ]);
    expect(textOf(bars.at(-1))).toMatch(/^adding █+ ✓ 3\/3/);
    expect(bundleOf(bars.at(-1))["text/html"]).toContain("adding");
  });

  it("wraps async generators, closes them on break and says where it stopped", async () => {
    const code =
      "let closed = false; async function* steps() { try { for (let i = 0; ; i++) yield i } finally { closed = true } }\nfor await (const step of progress(steps(), { total: 10 })) if (step === 3) break;\nclosed";
    const { outputs, result } = await run(kernel, code);
    expect(result).toBe("true");
    expect(outputs.map(textOf).at(-2)).toContain("stopped at 3/10");
  });

  it("moves while a loop that never yields is running", async () => {
    const { outputs } = await run(
      kernel,
      "for (const _ of progress(Array(6).keys(), { total: 6 })) for (const end = Date.now() + 60; Date.now() < end; ) ;",
    );
    expect(outputs.length).toBeGreaterThan(3);
  });
});
