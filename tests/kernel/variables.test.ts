import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelClient } from "../../kernel-extensions/runner/client.js";
import { run, startKernel } from "./cells.js";

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await startKernel();
});
afterAll(() => kernel.shutdown());

/** Runs cells in order and returns the result of the last. */
async function cells(...codes: string[]): Promise<string | undefined> {
  let result: string | undefined;
  for (const code of codes) {
    const answer = await run(kernel, code);
    expect(answer.traceback).toBe("");
    result = answer.result;
  }
  return result;
}

describe("results", () => {
  it("shows the last expression", async () => {
    expect(await cells("const six = 6;\nsix * 7")).toBe("42");
  });

  it("awaits a promise at the end", async () => {
    expect(await cells("new Promise((resolve) => setTimeout(() => resolve('later'), 20))")).toBe("'later'");
  });

  it("shows null and hides undefined", async () => {
    expect(await cells("null")).toBe("null");
    expect(await cells("undefined")).toBeUndefined();
    expect(await cells("const silent = 1;")).toBeUndefined();
  });

  it("awaits at the top level", async () => {
    expect(await cells("const waited: number = await Promise.resolve(3);", "waited + 1")).toBe("4");
    expect(await cells("let sum = 0; for await (const n of [1, Promise.resolve(2)]) sum += n; sum")).toBe(
      "3",
    );
  });
});

describe("variables across cells", () => {
  it("puts earlier variables into shorthand properties", async () => {
    expect(await cells("const alpha = 1; let beta = 'b';", "({ alpha, beta })")).toBe(
      "{ alpha: 1, beta: 'b' }",
    );
  });

  it("lets functions of earlier cells see a reassigned let", async () => {
    expect(await cells("let count = 0; function read() { return count }", "count = 5;", "read()")).toBe("5");
  });

  it("assigns earlier variables by destructuring, also with shorthand and defaults", async () => {
    const assign =
      "[left, right] = [right, left]; ({ left, extra = 9 } = { left: 7 } as { left: number; extra?: number });";
    expect(await cells("let left = 1, right = 2, extra = 0;", assign, "[left, right, extra]")).toBe(
      "[ 7, 1, 9 ]",
    );
  });

  it("declares the same names again, with other types", async () => {
    const again = "const value = 'text'; class Box { w = 'second' } function make() { return new Box().w }";
    expect(
      await cells("const value = 1; class Box { v = 1 } function make() { return new Box().v }", again),
    ).toBeUndefined();
    expect(await cells("make() + value.toUpperCase()")).toBe("'secondTEXT'");
  });

  it("runs the same cell twice", async () => {
    const code =
      "import { basename } from 'node:path'; enum Colour { Red, Green } let fresh: number | undefined; fresh";
    expect(await cells(code, "fresh = 4;", code)).toBeUndefined();
    expect(await cells("basename('/a/b') + Colour[1]")).toBe("'bGreen'");
  });

  it("keeps interfaces, generics and private members typed", async () => {
    await cells("interface Pair<T> { a: T; b: T } class Secret { #x = 3; get() { return this.#x } }");
    expect(await cells("const pair: Pair<number> = { a: 1, b: new Secret().get() }; pair.a + pair.b")).toBe(
      "4",
    );
  });

  it("calls earlier functions without a this", async () => {
    expect(await cells("function self(this: unknown) { return this }", "self()")).toBeUndefined();
  });

  it("ignores the word export", async () => {
    expect(
      await cells(
        "export const shared = 8; export function twice(x: number) { return 2 * x }",
        "twice(shared)",
      ),
    ).toBe("16");
  });
});

describe("a cell that throws", () => {
  it("keeps what it defined before the error", async () => {
    const broken = await run(
      kernel,
      "const reached = 1; const never: number = JSON.parse('{'); const after = 2;",
    );
    expect(broken.reply.ename).toBe("SyntaxError");
    expect(await cells("reached")).toBe("1");
    expect((await run(kernel, "after")).traceback).toContain("Cannot find name 'after'");
  });

  it("leaves the old value of what it did not reach", async () => {
    await cells("const steady = 'old';");
    await run(kernel, "throw new Error('before'); const steady = 3;");
    expect(await cells("steady.toUpperCase()")).toBe("'OLD'");
  });
});

describe("imports", () => {
  it("loads an ES module whole and by name, statically and dynamically", async () => {
    const code =
      "import * as aq from 'arquero'; import { table } from 'arquero'; const dynamic = await import('arquero');";
    expect(await cells(code, "aq.table === table && dynamic.table === table")).toBe("true");
  });

  it("loads the library by its own name, the same instance everywhere", async () => {
    const code =
      "import { PosttrainError } from 'posttrain/errors'; import { OptionError } from 'posttrain/errors';";
    expect(
      await cells(code, "new OptionError('m', { code: 'a/b', hint: 'h' }) instanceof PosttrainError"),
    ).toBe("true");
  });

  it("loads CommonJS packages, JSON and Node's modules", async () => {
    const code =
      "import ts from 'typescript'; import { sep } from 'node:path'; import { version } from './package.json';";
    expect(await cells(code, "[typeof ts.createProgram, sep, typeof version]")).toBe(
      "[ 'function', '/', 'string' ]",
    );
  });

  it("defines a module in a cell and imports it", async () => {
    await cells("/** @module halves */\nexport const half = (x: number) => x / 2;");
    expect(await cells("import { half } from './halves'; half(8)")).toBe("4");
  });

  it("knows import.meta", async () => {
    expect(await cells("import.meta.url.startsWith('file:')")).toBe("true");
  });
});

it("runs fifty cells in a row", async () => {
  for (let i = 0; i < 50; i++) expect(await cells(`const v${i} = ${i}; v${i}`)).toBe(String(i));
});
