import { check, tf, useBackend } from "posttrain/backend";
import { PosttrainError } from "posttrain/errors";
import { beforeAll, describe, expect, it } from "vitest";
import { whyNoWebGpu } from "./webgpu-here.js";

const reason = await whyNoWebGpu();

describe.skipIf(reason)("the webgpu backend", () => {
  beforeAll(async () => {
    await useBackend("webgpu");
  });

  it("adds up more tensors than a program may have buffers", async () => {
    for (const count of [2, 7, 8, 14, 30]) {
      const before = tf.memory().numTensors;
      const sum = tf.tidy(() => tf.addN(Array.from({ length: count }, (_, i) => tf.fill([3], i + 1))));
      check((await sum.array()) as number[], new Array(3).fill((count * (count + 1)) / 2));
      sum.dispose();
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  it("says how to read a tensor when it was read at once", async () => {
    const product = tf.tidy(() => tf.matMul(tf.ones([40, 40]), tf.ones([40, 40])));
    expect(() => product.dataSync()).toThrow(PosttrainError);
    expect(() => product.dataSync()).toThrow(/await tensor\.data\(\)/);
    check((await product.array()) as number[][], new Array(40).fill(new Array(40).fill(40)));
    product.dispose();
  });

  it("names its device and what imitates it", async () => {
    const { device, version } = await useBackend("webgpu");
    expect(device).toMatch(/^(the GPU|a GPU imitated in software) \(.+\)$/);
    expect(version).toContain("WebGPU");
  });

  it("is not chosen by itself while the GPU is an imitation", async () => {
    const { device } = await useBackend("webgpu");
    const { name } = await useBackend();
    expect(name === "webgpu" && device.includes("imitated")).toBe(false);
  });
});
