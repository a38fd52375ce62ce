import { openGguf } from "posttrain/files";
import { modelPath } from "posttrain/model";
import { describe, expect, it } from "vitest";
import { digest, fixture, golden } from "./golden.js";

describe("openGguf", () => {
  it.each([
    "F32",
    "F16",
    "BF16",
    "Q8_0",
    "Q4_0",
    "Q4_1",
  ] as const)("dequantises %s to the very numbers of the gguf package", (name) => {
    const file = openGguf(fixture("types.gguf"));
    expect(file.tensors.get(name)).toMatchObject({ dtype: name, shape: [3, 64] });
    expect(digest([3, 64], file.read(name))).toEqual(golden.gguf[name]);
    file.close();
  });

  it("reads metadata of every type, exact beyond 2^53", () => {
    const file = openGguf(fixture("types.gguf"));
    expect(Object.fromEntries(file.metadata)).toMatchObject({
      "general.architecture": "llama",
      "test.uint8": 200,
      "test.int8": -100,
      "test.uint16": 60000,
      "test.int16": -30000,
      "test.uint32": 4000000000,
      "test.int32": -2000000000,
      "test.uint64": 2n ** 63n,
      "test.int64": -5,
      "test.float32": 0.5,
      "test.float64": 0.1,
      "test.bool": true,
      "test.string": "你好 👋",
      "test.strings": ["a", "", "中"],
      "test.numbers": [1, 2, 3],
    });
    file.close();
  });

  it("opens a file that holds a type it cannot read, and says so only when that tensor is asked for", () => {
    const file = openGguf(fixture("types.gguf"));
    expect(file.tensors.get("Q5_0")).toMatchObject({ dtype: "Q5_0", shape: [3, 64], byteLength: 132 });
    expect(() => file.read("Q5_0")).toThrow(/"Q5_0" is stored as Q5_0[\s\S]*Q4_1/);
    file.close();
  });

  it.each(Object.entries(golden.smollm2))("reads SmolLM2's %s as the gguf package does", (name, expected) => {
    const file = openGguf(modelPath("smollm2-135m-instruct"));
    const info = file.tensors.get(name);
    const { dtype, ...numbers } = expected;
    expect(info?.dtype).toBe(dtype);
    expect(digest(info?.shape ?? [], file.read(name))).toMatchObject(numbers);
    file.close();
  });
});
