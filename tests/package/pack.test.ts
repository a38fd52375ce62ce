import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
let project: string;

/** Packs what `npm publish` would send, and installs it into an empty project as a user does. */
beforeAll(() => {
  if (!existsSync(path.join(root, "dist/sft/index.js"))) throw new Error("Run `npm run build` first.");
  project = mkdtempSync(path.join(os.tmpdir(), "posttrain-pack-"));
  const [packed] = JSON.parse(npm(root, "pack", "--json", "--ignore-scripts", "--pack-destination", project));
  writeFileSync(path.join(project, "package.json"), JSON.stringify({ type: "module", private: true }));
  npm(
    project,
    "install",
    "--ignore-scripts",
    "--omit=optional",
    "--prefer-offline",
    path.join(project, packed.filename),
  );
}, 300_000);

afterAll(() => {
  if (project) rmSync(project, { recursive: true, force: true });
});

function npm(cwd: string, ...args: string[]): string {
  return execFileSync("npm", [...args, "--no-audit", "--no-fund"], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

const node = (source: string): string =>
  execFileSync(process.execPath, ["--input-type=module", "--eval", source], {
    cwd: project,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

describe("the package, installed elsewhere", () => {
  it("trains and generates on WebAssembly when nothing optional is there", () => {
    const output = node(`
      import { useBackend } from "posttrain/backend";
      import { generate, loadDecoder, modelPath } from "posttrain/model";
      import { tokenizePrompt, trainSft } from "posttrain/sft";
      import { loadTokenizer } from "posttrain/tokenizer";
      const { name } = await useBackend();
      const folder = modelPath("posttrain-base");
      const [model, tokenizer] = [await loadDecoder(folder), await loadTokenizer(folder)];
      const example = { instruction: "What do cats say?", output: "Meow." };
      const losses = [];
      for await (const { metrics } of trainSft({ model, tokenizer, examples: [example], maxSteps: 3, learningRate: 1e-3 })) {
        losses.push(metrics.loss);
      }
      const { tokenIds } = await generate(model, tokenizePrompt(tokenizer, example), { maxNewTokens: 3 });
      console.log(JSON.stringify({ name, losses, tokens: tokenIds[0].length }));
    `);
    const { name, losses, tokens } = JSON.parse(output.trim().split("\n").at(-1) ?? "");
    expect(name).toBe("wasm");
    expect(losses).toHaveLength(3);
    expect(losses[2]).toBeLessThan(losses[0]);
    expect(tokens).toBeGreaterThan(0);
  });

  it("offers every entry point that package.json names", () => {
    const entries = Object.keys(JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).exports)
      .filter((entry) => entry !== "./package.json")
      .map((entry) => `posttrain/${entry.slice(2)}`);
    const output = node(
      `for (const entry of ${JSON.stringify(entries)}) console.log(entry, Object.keys(await import(entry)).length);`,
    );
    for (const line of output.trim().split("\n")) expect(line).toMatch(/^posttrain\/\w+ [1-9]\d*$/);
    expect(output.trim().split("\n")).toHaveLength(entries.length);
  });

  it("brings types that a strict compiler accepts", () => {
    mkdirSync(path.join(project, "src"), { recursive: true });
    writeFileSync(
      path.join(project, "src/user.ts"),
      `import { type Decoder, loadDecoder } from "posttrain/model";
       import { trainSft } from "posttrain/sft";
       const model: Decoder = await loadDecoder("somewhere");
       for await (const step of trainSft({ model, examples: [{ tokenIds: [1, 2], mask: [0, 1] }] })) {
         const loss: number = step.metrics.loss;
         // @ts-expect-error: a loss is a number
         const text: string = step.metrics.loss;
         console.log(loss, text);
       }`,
    );
    const tsc = path.join(root, "node_modules/typescript/bin/tsc");
    const flags = "--noEmit --strict --target es2022 --module nodenext --skipLibCheck".split(" ");
    expect(
      execFileSync(process.execPath, [tsc, ...flags, "src/user.ts"], { cwd: project, encoding: "utf8" }),
    ).toBe("");
  });
});
