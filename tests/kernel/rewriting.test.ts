import ts from "typescript";
import { describe, expect, it } from "vitest";
import { hasTopLevelAwait } from "../../kernel-extensions/kernel/compiler/await.js";
import { toCommonJs } from "../../kernel-extensions/kernel/compiler/commonjs.js";
import { keepDeclarations } from "../../kernel-extensions/kernel/compiler/keep.js";
import { withoutLocalExports } from "../../kernel-extensions/kernel/compiler/local-exports.js";

describe("hasTopLevelAwait", () => {
  it.each([
    "await x",
    "const a = [await x]",
    "for await (const a of b) {}",
    "if (a) { await b }",
    "await using file = open()",
    "class A extends (await b) {}",
  ])("is true for %s", (code) => {
    expect(hasTopLevelAwait(code)).toBe(true);
  });

  it.each([
    "const f = async () => await x",
    "async function f() { await x }",
    "class A { async m() { for await (const a of b) {} } }",
    "'await'",
    "object.await",
  ])("is false for %s", (code) => {
    expect(hasTopLevelAwait(code)).toBe(false);
  });
});

describe("toCommonJs", () => {
  const options = { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 } };
  const compile = (code: string) => toCommonJs(code, options);

  it("loads static imports through the kernel and leaves require alone", () => {
    const { code, imports } = compile(
      'import { a } from "one"; import * as b from "two"; a(b); require("three");',
    );
    expect(imports).toEqual(["one", "two"]);
    expect(code).toContain('__module("one")');
    expect(code).toContain('require("three")');
  });

  it("keeps dynamic imports dynamic and gives cells their import.meta", () => {
    expect(compile('await import("x"); import.meta.url;').code).toContain(
      'await __import("x");\n__meta.url;',
    );
  });

  it("neither seals nor empties the shared exports", () => {
    const { code } = compile('import { a } from "one"; export { a }; export let n = 0; export class C {}');
    expect(code).toContain("exports.a = one_1.a;");
    expect(code).not.toContain("defineProperty");
    expect(code).not.toContain("void 0");
  });

  it("makes every use of an exported variable a use of the shared one", () => {
    expect(compile("export let n = 0; function get() { return n }").code).toContain("return exports.n");
  });
});

describe("withoutLocalExports", () => {
  it("blanks the keyword and nothing else, so that positions stay", () => {
    expect(withoutLocalExports("export const a = 1;\nexport async function f() {}")).toBe(
      "       const a = 1;\n       async function f() {}",
    );
    expect(withoutLocalExports("const a = 1;\nexport {\n  a };")).toBe("const a = 1;\n        \n      ");
  });

  it("leaves re-exports, default exports and strings alone", () => {
    const code = 'export { a } from "b";\nexport default 3;\nconst s = "export const x";';
    expect(withoutLocalExports(code)).toBe(code);
  });
});

describe("keepDeclarations", () => {
  it("drops what was not reached and restores what that would have replaced", () => {
    const before = "declare const a: number;\ndeclare let b: string, other: boolean;\ninterface T {}";
    const after =
      "declare let b: Date, c: number;\ndeclare const d: number;\ninterface T {}\ndeclare const a: number;";
    expect(keepDeclarations(before, after, new Set(["b", "d"])).split("\n")).toEqual([
      "declare let b: string;",
      "declare let c: number;",
      "interface T {}",
      "declare const a: number;",
    ]);
  });

  it("drops classes, functions and enums whole", () => {
    const after =
      "declare class K {\n  x: number;\n}\ndeclare function f(): void;\ndeclare enum E {\n  A = 0\n}";
    expect(keepDeclarations("", after, new Set(["K", "E"]))).toBe("declare function f(): void;");
  });
});
