import { CompileError, compileStep, Random, type Tensor, tf, useBackend } from "posttrain/backend";
import { beforeAll, describe, expect, it } from "vitest";
import { freeing, hasNative } from "./native.js";

type Body = (x: Tensor) => Tensor;
const run = (body: Body, options = {}): void => {
  const step = compileStep(({ x }: { x: Tensor }) => ({ y: body(x) }), options);
  freeing(() => step({ x: tf.tensor1d([1, 2]) }));
  step.dispose();
};

/** The error of a step, which must be a CompileError. */
function refusalOf(body: Body): CompileError {
  try {
    run(body);
  } catch (error) {
    expect(error).toBeInstanceOf(CompileError);
    return error as CompileError;
  }
  throw new Error("nothing was refused");
}

describe.skipIf(!hasNative)("a step that a graph cannot repeat is refused", () => {
  beforeAll(async () => {
    await useBackend("native");
  });

  const random = new Random(1);
  const cases: { what: string; code: string; operation: string; body: Body }[] = [
    {
      what: "reading a tensor at once",
      code: "host-read",
      operation: "tensor.dataSync",
      body: (x) => (tf.sum(x).arraySync() === 3 ? x : tf.neg(x)),
    },
    {
      what: "reading a tensor later",
      code: "host-read",
      operation: "tensor.data",
      body: (x) => {
        tf.sum(x).data();
        return x;
      },
    },
    {
      what: "tf.randomUniform",
      code: "randomness",
      operation: "tf.randomUniform",
      body: (x) => tf.add(x, tf.randomUniform([2])),
    },
    {
      what: "tf.randomNormal with a seed",
      code: "randomness",
      operation: "tf.randomNormal",
      body: (x) => tf.add(x, tf.randomNormal([2], 0, 1, "float32", 7)),
    },
    {
      what: "tf.truncatedNormal",
      code: "randomness",
      operation: "tf.truncatedNormal",
      body: (x) => tf.add(x, tf.truncatedNormal([2])),
    },
    { what: "tf.dropout", code: "randomness", operation: "tf.dropout", body: (x) => tf.dropout(x, 0.5) },
    {
      what: "tf.multinomial",
      code: "randomness",
      operation: "tf.multinomial",
      body: (x) => tf.multinomial(x as never, 2),
    },
    {
      what: "Math.random",
      code: "randomness",
      operation: "Math.random",
      body: (x) => tf.mul(x, Math.random()),
    },
    {
      what: "our own generator",
      code: "randomness",
      operation: "Random",
      body: (x) => tf.mul(x, random.normal()),
    },
    {
      what: "a result whose shape depends on numbers",
      code: "shape",
      operation: "tf.unique",
      body: (x) => tf.zeros([tf.unique(x as tf.Tensor1D).values.shape[0] ?? 0]),
    },
    {
      what: "text",
      code: "string",
      operation: "the step",
      body: () => tf.tensor1d(["a", "b"]),
    },
    {
      what: "making a variable",
      code: "new-variable",
      operation: "tf.variable",
      body: (x) => tf.variable(x),
    },
    {
      what: "an optimizer that makes its variables late",
      code: "new-variable",
      operation: "tf.variable",
      body: (x) => {
        const weight = tf.engine().registeredVariables.late as tf.Variable;
        tf.train.adam(0.1).minimize(() => tf.sum(tf.mul(weight, x)) as tf.Scalar);
        return x;
      },
    },
    {
      what: "disposing of a variable",
      code: "dispose-variable",
      operation: "variable.dispose",
      body: (x) => {
        (tf.engine().registeredVariables.late as tf.Variable).dispose();
        return x;
      },
    },
  ];

  it.each(cases)("$what", ({ code, operation, body }) => {
    const late = tf.tidy(() => tf.variable(tf.ones([2]), true, "late"));
    const before = tf.memory().numTensors;
    const error = refusalOf(body);
    expect(error.code).toBe(`compile/${code}`);
    expect((error.value as { operation: string }).operation).toBe(operation);
    expect(error.message).toContain("compile: false");
    expect(tf.memory().numTensors, "tensors left behind").toBe(before);
    late.dispose();
  });

  it("a tensor from outside that is neither input nor variable nor constant, naming the operation and the line", () => {
    const outside = tf.ones([2]);
    const error = refusalOf((x) => tf.maximum(x, outside));
    expect(error.code).toBe("compile/captured-tensor");
    expect(error.message).toContain("tf.maximum reads a tensor of shape [2]");
    expect((error.value as { place: string }).place).toMatch(/refusals\.test\.ts:\d+:\d+$/);
    outside.dispose();
  });

  it.each([
    "a clone of it",
    "what it was made from",
  ])("a tensor that shares the data of a variable: %s", (kind) => {
    const made = tf.ones([2]);
    const weight = tf.variable(made);
    const shared = kind === "a clone of it" ? weight.clone() : made;
    if (shared !== made) made.dispose();
    const error = refusalOf((x) => {
      weight.assign(tf.add(weight, x));
      return tf.sub(weight, shared);
    });
    expect(error.message).toContain("tf.sub reads a tensor of shape [2]");
    expect(weight.dataSync()).toEqual(new Float32Array([1, 1]));
    tf.dispose([weight, shared]);
  });

  it("even when the step swallows the error", () => {
    const error = refusalOf((x) => {
      try {
        x.dataSync();
      } catch {
        // a step that only wanted to log
      }
      return x;
    });
    expect(error.code).toBe("compile/host-read");
  });

  it("but none of this with `compile: false`", () => {
    const outside = tf.ones([2]);
    expect(() =>
      run((x) => tf.add(tf.dropout(x, Math.random() / 2), outside), { compile: false }),
    ).not.toThrow();
    outside.dispose();
  });

  it("and afterwards everything works as before", () => {
    refusalOf((x) => tf.dropout(x, 0.5));
    expect(Math.random()).toBeLessThan(1);
    expect(random.uniform()).toBeLessThan(1);
    const variable = tf.tidy(() => tf.variable(tf.randomUniform([2])));
    expect(variable.dataSync()).toHaveLength(2);
    variable.dispose();
    expect(() => run((x) => tf.gather(x, tf.tensor1d([1], "int32")))).not.toThrow();
  });
});
