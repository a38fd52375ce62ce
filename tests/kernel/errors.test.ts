import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelClient } from "../../kernel-extensions/runner/client.js";
import { run, startKernel } from "./cells.js";

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await startKernel();
});
afterAll(() => kernel.shutdown());

describe("type errors", () => {
  it("name the line and mark the place, as tsc does", async () => {
    const { reply, traceback, outputs } = await run(kernel, 'const fine = 1;\nconst n: number = "text";');
    expect(reply).toMatchObject({ status: "error", ename: "TypeScriptError" });
    expect(traceback.split("\n")).toEqual([
      "Cell 1, line 2 - error TS2322: Type 'string' is not assignable to type 'number'.",
      "",
      '2 const n: number = "text";',
      "        ~",
    ]);
    expect(outputs.map(({ type }) => type)).toEqual(["error"]);
  });

  it("are strict", async () => {
    expect((await run(kernel, "function f(x) { return x }")).traceback).toContain(
      "implicitly has an 'any' type",
    );
    expect((await run(kernel, "const s: string = null;")).reply.ename).toBe("TypeScriptError");
  });

  it("know the types of the library", async () => {
    const wrong = await run(kernel, "import { useBackend } from 'posttrain/backend';\nawait useBackend(42)");
    expect(wrong.traceback).toMatch(
      /Cell \d+, line 2 - error TS2345: Argument of type '42' is not assignable/,
    );
  });

  it("mark the place below wide characters", async () => {
    const { traceback } = await run(kernel, "const 名字 = '中文'; 名字.missing");
    expect(traceback).toContain(`1 const 名字 = '中文'; 名字.missing\n        　　    　　   　　 ~~~~~~~`);
  });

  it("stop at what cannot be read", async () => {
    const { traceback } = await run(kernel, "const a b");
    expect(traceback).toContain("',' expected");
    expect(traceback).not.toContain("implicitly");
  });
});

describe("thrown errors", () => {
  it("show the author's line and only the author's frames", async () => {
    const define =
      "// a comment\ninterface Gone { x: number }\nfunction fail(depth: number): never {\n  throw new RangeError('too deep: ' + depth);\n}";
    await run(kernel, define);
    const { reply, traceback } = await run(kernel, "const depth = 3;\nfail(depth);");
    expect(reply).toMatchObject({ ename: "RangeError", evalue: "too deep: 3" });
    expect(traceback.replace(/Cell \d+/g, "Cell n").split("\n")).toEqual([
      "Cell n, line 4",
      "4   throw new RangeError('too deep: ' + depth);",
      "          ^",
      "",
      "RangeError: too deep: 3",
      "    at fail (Cell n, line 4)",
      "    at Cell n, line 2",
    ]);
  });

  it("keep their frames across await", async () => {
    const code =
      "async function inner() { await null; throw new Error('late') }\nasync function outer() {\n  await inner();\n}\nawait outer();";
    const { traceback } = await run(kernel, code);
    expect(traceback).toContain("at async outer (Cell");
    expect(traceback).not.toMatch(/node:|dist-kernel|tslab/);
  });

  it("show the hint and the source lines of the library", async () => {
    const code = "import { useBackend } from 'posttrain/backend';\nawait useBackend('abacus' as never)";
    const { reply, traceback } = await run(kernel, code);
    expect(reply.ename).toBe("OptionError");
    expect(traceback).toMatch(/Hint: .+\n {4}at \w+ \(src\/backend\/[\w-]+\.ts:\d+:\d+\)/);
  });

  it("show their causes", async () => {
    const { traceback } = await run(kernel, "throw new Error('outer', { cause: new TypeError('inner') })");
    expect(traceback).toMatch(/Error: outer\n.*\nCaused by TypeError: inner/);
  });

  it("may be any value", async () => {
    expect((await run(kernel, "throw 'a string'")).reply).toMatchObject({
      ename: "Thrown",
      evalue: "'a string'",
    });
    expect((await run(kernel, "throw null")).reply).toMatchObject({ ename: "Thrown", evalue: "null" });
  });
});

describe("errors in the background", () => {
  it("appear below the cell that they come from, and the kernel lives on", async () => {
    const messages: { parentId: string | undefined; text: unknown }[] = [];
    const stop = kernel.onIopub(({ type, parentId, content }) => {
      if (type === "stream") messages.push({ parentId, text: content.text });
    });
    const first = await run(
      kernel,
      "setTimeout(() => { throw new Error('timer') }, 150); Promise.reject(new Error('promise')); 'first'",
    );
    const second = await run(kernel, "await new Promise((resolve) => setTimeout(resolve, 400)); 'second'");
    stop();
    expect([first.result, second.result]).toEqual(["'first'", "'second'"]);
    expect(messages.map(({ text }) => text).join("")).toMatch(/Error: promise[\s\S]*Error: timer/);
    expect(new Set(messages.map(({ parentId }) => parentId)).size).toBe(1);
    expect(second.stderr).toBe("");
  });
});

describe("process.exit", () => {
  it("ends the cell and not the kernel", async () => {
    const ended = await run(kernel, "const kept = 5; process.exit(0); console.log('not reached')");
    expect(ended.reply.status).toBe("ok");
    expect(ended.stdout).toBe("");
    expect((await run(kernel, "process.exit(2)")).reply).toMatchObject({
      status: "error",
      ename: "CellExit",
    });
    expect((await run(kernel, "kept")).result).toBe("5");
  });
});
