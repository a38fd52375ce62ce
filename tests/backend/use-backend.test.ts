import { check, tf, useBackend } from "posttrain/backend";
import { OptionError } from "posttrain/errors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Sandbox } from "./child.js";

const NATIVE = "tfjs-node-gpu";

describe("useBackend in this process", () => {
  it("gives the same report every time it is called", async () => {
    const report = await useBackend();
    expect(await useBackend()).toBe(report);
    expect(tf.getBackend()).toBe(report.tfjsName);
  });

  it("switches from one backend to another, and tensors of the first stay readable", async () => {
    await useBackend("cpu");
    const made = tf.tensor1d([1, 2, 3]);
    const report = await useBackend("wasm");
    expect(report.name).toBe("wasm");
    expect(tf.getBackend()).toBe("wasm");
    check(
      tf.tidy(() => tf.mul(made, 2).arraySync() as number[]),
      [2, 4, 6],
    );
    made.dispose();
  });

  it("refuses a name it does not know, and lists those it knows", async () => {
    const attempt = useBackend("cuda" as "gpu");
    await expect(attempt).rejects.toThrow(OptionError);
    await expect(attempt).rejects.toThrow(
      /unknown backend: "cuda"\nHint: Choose one of gpu, native, webgpu, wasm, cpu/,
    );
  });

  it("serves callers that do not wait for each other", async () => {
    const reports = await Promise.all([useBackend("wasm"), useBackend("cpu"), useBackend("wasm")]);
    expect(reports.map(({ name }) => name)).toEqual(["wasm", "cpu", "wasm"]);
    expect(tf.getBackend()).toBe("wasm");
  });

  it("describes itself as a sentence and as a notebook's bundle", async () => {
    const report = await useBackend("cpu");
    expect(String(report)).toMatch(
      /^Computing with cpu: tfjs 4\.\S+ in plain JavaScript on the CPU \(.+, 1 thread\)\./,
    );
    const bundle = (report as unknown as Record<symbol, () => Record<string, string>>)[
      Symbol.for("Jupyter.display")
    ]?.();
    expect(bundle?.["text/plain"]).toBe(report.sentence);
    expect(bundle?.["text/markdown"]).toContain("**cpu**");
  });

  it("leaves no tensor behind", async () => {
    const before = tf.memory().numTensors;
    await useBackend("wasm");
    await useBackend("cpu");
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("useBackend in a process of its own", () => {
  let sandbox: Sandbox;
  beforeAll(() => {
    sandbox = new Sandbox();
  });
  afterAll(() => sandbox.dispose());

  const report =
    "const { name, passedOver } = await useBackend(); console.log(JSON.stringify({ name, passedOver }));";

  it("takes wasm where the native library is missing, gives the reasons, and prints nothing of its own", () => {
    const { stdout, stderr } = sandbox.run(report, { hidden: [NATIVE, "webgpu"] });
    expect(stderr).toBe("");
    const { name, passedOver } = JSON.parse(stdout);
    expect(name).toBe("wasm");
    expect(passedOver.map((each: { name: string }) => each.name)).toEqual(["gpu", "native", "webgpu"]);
    expect(passedOver[1].reason).toContain("native library did not load");
  });

  it("takes plain JavaScript where wasm is missing too", () => {
    const { stdout, stderr } = sandbox.run(report, { hidden: [NATIVE, "webgpu", "tfjs-backend-wasm"] });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout).name).toBe("cpu");
    expect(JSON.parse(stdout).passedOver).toHaveLength(4);
  });

  it("says that the native library is missing when it was asked for, and keeps the backend in use", () => {
    const { stdout } = sandbox.run(
      `await useBackend("cpu");
       await useBackend("native").catch(({ name, code }) => console.log(name, code));
       console.log(tf.getBackend());`,
      { hidden: [NATIVE] },
    );
    expect(stdout).toBe("BackendError backend/native-missing\ncpu");
  });

  it("passes over a backend that computes wrong numbers", () => {
    // A WebAssembly whose products are all zero: the self-test must notice.
    const { stdout, stderr } = sandbox.run(
      `await useBackend("wasm");
       const stock = tf.getKernel("BatchMatMul", "wasm");
       tf.unregisterKernel("BatchMatMul", "wasm");
       tf.registerKernel({ ...stock, kernelFunc: ({ inputs, backend }) => backend.makeOutput(inputs.a.shape, "float32", undefined, new Float32Array(4)) });
       ${report}`,
      { hidden: [NATIVE, "webgpu"] },
    );
    expect(stderr).toBe("");
    const { name, passedOver } = JSON.parse(stdout);
    expect(name).toBe("cpu");
    expect(passedOver[3].reason).toContain("a matrix product gave [0,0,0,0] where [19,22,43,50] is right");
  });

  it("obeys POSTTRAIN_BACKEND, unless a name is given", () => {
    const names = "console.log((await useBackend()).name, (await useBackend('wasm')).name);";
    expect(sandbox.run(names, { POSTTRAIN_BACKEND: "cpu" }).stdout).toBe("cpu wasm");
  });

  it("names POSTTRAIN_BACKEND when it holds an unknown name", () => {
    const { stdout } = sandbox.run("await useBackend().catch((error) => console.log(error.message));", {
      POSTTRAIN_BACKEND: "quantum",
    });
    expect(stdout).toContain('POSTTRAIN_BACKEND names an unknown backend: "quantum"');
  });

  it.each(["native", "wasm", "cpu"])("starts %s without a word on either stream, and ends", (name) => {
    const { status, stdout, stderr } = sandbox.run(
      `await useBackend("${name}").catch(({ code }) => { if (code !== "backend/native-missing") throw code; });
       tf.tidy(() => tf.add(1, 2).dataSync());`,
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("leaves a rejected promise to its owner, on wasm as elsewhere", () => {
    const { stdout } = sandbox.run(
      `process.on("unhandledRejection", () => console.log("the owner's handler"));
       await useBackend("wasm");
       Promise.reject(new Error("forgotten"));
       await new Promise((resolve) => setTimeout(resolve, 20));
       console.log("still here");`,
    );
    expect(stdout).toBe("the owner's handler\nstill here");
  });
});
