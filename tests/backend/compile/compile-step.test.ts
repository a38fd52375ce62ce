import {
  BackendError,
  CompileError,
  check,
  compileStep,
  type Scalar,
  type Tensor,
  tf,
  useBackend,
} from "posttrain/backend";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freeing, hasNative, ROUTES } from "./native.js";

const double = ({ x }: { x: Tensor }) => ({ y: tf.mul(x, 2) });
const ones = (length: number): Tensor => tf.ones([length]);

describe.skipIf(!hasNative)("compileStep", () => {
  let tensors: number;
  beforeEach(async () => {
    await useBackend("native");
    tensors = tf.memory().numTensors;
  });
  afterEach(() => {
    expect(tf.memory().numTensors, "tensors left behind").toBe(tensors);
  });

  it("traces once for each combination of shapes and types, and runs what it has afterwards", () => {
    const step = compileStep(double);
    tf.tidy(() => {
      for (const length of [3, 5, 3, 5, 3]) check(step({ x: ones(length) }).y, new Array(length).fill(2));
      step({ x: tf.ones([3], "int32") });
    });
    expect(step.stats).toMatchObject({ traces: 3, hits: 3, hitRate: 0.5, cached: 3 });
    step.dispose();
  });

  it("forgets the program used longest ago when there are too many", () => {
    const step = compileStep(double, { cacheSize: 2 });
    tf.tidy(() => {
      for (const length of [1, 2, 1, 3]) step({ x: ones(length) }); // 2 is forgotten, not 1
      expect(step.stats).toMatchObject({ traces: 3, hits: 1, cached: 2 });
      step({ x: ones(1) });
      expect(step.stats.traces).toBe(3);
      check(step({ x: ones(2) }).y, [2, 2]);
      expect(step.stats).toMatchObject({ traces: 4, cached: 2 });
    });
    step.dispose();
  });

  it("can be called again after its programs were freed", () => {
    const step = compileStep(double);
    freeing(() => step({ x: ones(2) }));
    step.dispose();
    expect(step.stats.cached).toBe(0);
    freeing(() => check(step({ x: ones(2) }).y, [2, 2]));
    expect(step.stats.traces).toBe(2);
    step.dispose();
  });

  it.each(ROUTES)("leaves nothing behind in a thousand steps (%s)", (route) => {
    const weight = tf.tidy(() => tf.variable(tf.zeros([4])));
    const step = compileStep(
      ({ x, rate }: { x: Tensor; rate: Scalar }) => {
        weight.assign(tf.add(weight, tf.mul(x, rate)));
        return { norm: tf.norm(weight), sum: tf.sum(weight) };
      },
      { route },
    );
    const native = (tf.backend() as unknown as { binding: { getNumOfTensors(): number } }).binding;
    let held = 0;
    for (let i = 0; i < 1000; i++) {
      freeing(() => step({ x: ones(4), rate: tf.scalar(0.5) }));
      if (i === 10) held = native.getNumOfTensors();
    }
    expect(native.getNumOfTensors()).toBe(held);
    check(weight, new Array(4).fill(500));
    step.dispose();
    weight.dispose();
  });

  it("keeps numbers of JavaScript as they were, and follows tensors", () => {
    let rate = 1;
    const step = compileStep(({ x, factor }: { x: Tensor; factor: Scalar }) => ({
      frozen: tf.mul(x, rate),
      followed: tf.mul(x, factor),
    }));
    freeing(() => step({ x: ones(2), factor: tf.scalar(1) }));
    rate = 3;
    tf.tidy(() => {
      const { frozen, followed } = step({ x: ones(2), factor: tf.scalar(3) });
      check(frozen, [1, 1]);
      check(followed, [3, 3]);
    });
    step.dispose();
  });

  it("tells apart a variable and the copy it was made from", () => {
    const policy = tf.tidy(() => tf.variable(tf.ones([2])));
    const reference = tf.tidy(() => tf.variable(tf.clone(policy), false));
    const step = compileStep(({ x }: { x: Tensor }) => {
      policy.assign(tf.add(policy, x));
      return { distance: tf.sub(policy, reference) };
    });
    tf.tidy(() => {
      check(step({ x: ones(2) }).distance, [1, 1]);
      check(step({ x: ones(2) }).distance, [2, 2]);
    });
    check(reference, [1, 1]);
    step.dispose();
    tf.dispose([policy, reference]);
  });

  it("tells apart two inputs that were the same tensor when it was traced", () => {
    const step = compileStep(({ a, b }: { a: Tensor; b: Tensor }) => ({ y: tf.sub(a, b) }));
    tf.tidy(() => {
      const x = ones(2);
      check(step({ a: x, b: x }).y, [0, 0]);
      check(step({ a: tf.mul(x, 3), b: x }).y, [2, 2]);
    });
    step.dispose();
  });

  it("follows a variable that was assigned between two runs", () => {
    const weight = tf.tidy(() => tf.variable(tf.ones([2])));
    const step = compileStep(({ x }: { x: Tensor }) => ({ y: tf.mul(x, weight) }));
    freeing(() => check(step({ x: ones(2) }).y, [1, 1]));
    tf.tidy(() => weight.assign(tf.fill([2], 5)));
    freeing(() => check(step({ x: ones(2) }).y, [5, 5]));
    step.dispose();
    weight.dispose();
  });

  it("assigns a variable several times, reads it in between, and can return it", () => {
    const counter = tf.tidy(() => tf.variable(tf.scalar(0)));
    const step = compileStep(({ x }: { x: Tensor }) => {
      counter.assign(tf.add(counter, 1));
      const middle = tf.mul(counter, x);
      counter.assign(tf.add(counter, middle));
      return { middle, counter: tf.clone(counter) };
    });
    const values = [1, 2].map(() => tf.tidy(() => step({ x: tf.scalar(2) }).counter.dataSync()[0]));
    expect(values).toEqual([3, 12]); // 1 + 2, then 4 + 8
    check(counter, 12);
    step.dispose();
    counter.dispose();
  });

  it("hands back inputs, constants of its own and empty inputs as new tensors", () => {
    const step = compileStep(({ x }: { x: Tensor; absent?: Tensor | undefined }) => ({
      x,
      two: tf.scalar(2),
    }));
    const x = ones(2);
    for (let i = 0; i < 2; i++) {
      const result = step({ x, absent: undefined });
      expect(result.x).not.toBe(x);
      check(result.x, [1, 1]);
      check(result.two, 2);
      tf.dispose(result);
    }
    expect(x.isDisposed).toBe(false);
    x.dispose();
    step.dispose();
  });

  it("reads tensors from outside that are marked as constants, without copying them into the graph", () => {
    const table = tf.tidy(() => tf.range(0, 6).reshape([3, 2]));
    const step = compileStep(({ ids }: { ids: Tensor }) => ({ rows: tf.gather(table, ids as tf.Tensor1D) }), {
      constants: [table],
    });
    for (let i = 0; i < 2; i++) {
      tf.tidy(() => {
        check(step({ ids: tf.tensor1d([2, 0], "int32") }).rows, [
          [4, 5],
          [0, 1],
        ]);
      });
    }
    table.dispose();
    tf.tidy(() => {
      expect(() => step({ ids: tf.tensor1d([2, 0], "int32") })).toThrow(CompileError);
    });
    step.dispose();
  });

  it("passes NaN and infinity on as the plain function does", () => {
    const compute = ({ x }: { x: Tensor }) => ({
      log: tf.log(x),
      ratio: tf.div(x, x),
      isNaN: tf.isNaN(tf.log(x)),
    });
    const step = compileStep(compute);
    const x = tf.tensor1d([-1, 0, 1, Number.NaN, Number.POSITIVE_INFINITY]);
    for (let i = 0; i < 2; i++) {
      tf.tidy(() => {
        const [compiled, plain] = [step({ x }), compute({ x })];
        for (const name of ["log", "ratio", "isNaN"] as const) check(compiled[name], plain[name]);
      });
    }
    x.dispose();
    step.dispose();
  });

  it("changes no variable when the step throws, and traces anew the next time", () => {
    const weight = tf.tidy(() => tf.variable(tf.ones([2])));
    let broken = true;
    const step = compileStep(({ x }: { x: Tensor }) => {
      weight.assign(tf.add(weight, x));
      if (broken) throw new Error("half way");
      return { weight: tf.clone(weight) };
    });
    freeing(() => expect(() => step({ x: ones(2) })).toThrow("half way"));
    check(weight, [1, 1]);
    broken = false;
    freeing(() => step({ x: ones(2) }));
    check(weight, [2, 2]);
    step.dispose();
    weight.dispose();
  });

  it("changes no variable when a compiled run fails", () => {
    const weight = tf.tidy(() => tf.variable(tf.ones([3])));
    const step = compileStep(({ ids }: { ids: tf.Tensor1D }) => {
      weight.assign(tf.mul(weight, 2));
      return { picked: tf.gather(weight, ids) };
    });
    freeing(() => step({ ids: tf.tensor1d([0, 2], "int32") }));
    freeing(() => expect(() => step({ ids: tf.tensor1d([0, 7], "int32") })).toThrow(/not in \[0, 3\)/));
    check(weight, [2, 2, 2]);
    step.dispose();
    weight.dispose();
  });

  it("becomes a part of the step that calls it", () => {
    const inner = compileStep(double);
    const outer = compileStep(({ x }: { x: Tensor }) => ({ z: tf.add(inner({ x }).y, 1) }));
    for (let i = 0; i < 2; i++) freeing(() => check(outer({ x: ones(2) }).z, [3, 3]));
    expect(inner.stats.traces).toBe(0);
    outer.dispose();
    inner.dispose();
  });

  it("reads the constants of a step that it calls", () => {
    const five = tf.scalar(5);
    const inner = compileStep(({ x }: { x: Tensor }) => ({ y: tf.mul(x, five) }), { constants: [five] });
    const outer = compileStep(({ x }: { x: Tensor }) => ({ z: tf.add(inner({ x }).y, 1) }));
    for (let i = 0; i < 2; i++) freeing(() => check(outer({ x: ones(2) }).z, [6, 6]));
    outer.dispose();
    five.dispose();
  });

  it.each(ROUTES)("reads a marked copy of a variable that it assigns, by the %s route", (route) => {
    const weight = tf.tidy(() => tf.variable(ones(2)));
    const start = weight.clone();
    const move = () => {
      weight.assign(tf.add<Tensor>(weight, 1));
      return { moved: tf.sub(weight, start) };
    };
    const step = compileStep(move, { constants: [start], route });
    for (let i = 1; i <= 3; i++) freeing(() => check(step({}).moved, [i, i]));
    step.dispose();
    tf.dispose([weight, start]);
  });

  it("is the plain function where its gradient is asked for", () => {
    const step = compileStep(({ x }: { x: Tensor }) => ({ y: tf.sum(tf.mul(x, 3)) }));
    const loss = (x: Tensor) => tf.add<tf.Scalar>(tf.sum(tf.square(x)), step({ x }).y);
    freeing(() => check(tf.grad(loss)(tf.tensor1d([1, 2])), [5, 7]));
    freeing(() => step({ x: ones(2) }));
    freeing(() => check(tf.grad(loss)(tf.tensor1d([1, 2])), [5, 7]));
    expect(step.stats).toMatchObject({ traces: 1, hits: 0 });
    step.dispose();
  });

  it("divides whole numbers by what the trace does not compute", () => {
    const step = compileStep(({ x }: { x: Tensor }) => ({
      y: tf.floorDiv(tf.scalar(10, "int32"), tf.cast(tf.mul(x, 2), "int32")),
    }));
    for (let i = 0; i < 2; i++) freeing(() => check(step({ x: tf.tensor1d([1, 2]) }).y, [5, 2]));
    expect(step.stats.traces).toBe(1);
    step.dispose();
  });

  it.each([
    true,
    false,
  ])("returns tensors of the caller's own with compile: %s, also inputs and variables", (compile) => {
    const weight = tf.tidy(() => tf.variable(tf.scalar(1)));
    const x = tf.scalar(3);
    const move = (inputs: { x: Tensor }) => {
      weight.assign(tf.add<tf.Scalar>(weight, 1));
      return { ...inputs, weight, again: weight };
    };
    const step = compileStep(move, { compile });
    const [first, second] = [step({ x }), step({ x })];
    check(first.weight, 2);
    check(second.again, 3);
    tf.dispose([first, second] as unknown as Tensor[]);
    check(x, 3);
    check(weight, 3);
    step.dispose();
    tf.dispose([x, weight]);
  });

  it.each([0, Number.NaN])("cannot keep %d programs", (cacheSize) => {
    expect(() => compileStep(double, { cacheSize })).toThrow(/cannot keep/);
  });

  it.each([true, false])("says what is no tensor with compile: %s", (compile) => {
    const outcome = (step: (inputs: never) => unknown, inputs: unknown) => () =>
      compileStep(step as never, { compile })(inputs as never);
    const x = tf.scalar(1);
    const same = (inputs: object) => inputs;
    expect(outcome(same, { rate: 0.1 })).toThrow(
      /the input rate .*: 0\.1 where a tensor should be.*tf\.scalar/s,
    );
    expect(outcome(same, undefined)).toThrow(/the inputs .*: undefined where an object of tensors/);
    expect(outcome(() => {}, { x })).toThrow(/the results .*: undefined where an object of tensors/);
    expect(outcome(async () => ({ x }), { x })).toThrow(/\(Promise\).*cannot wait/s);
    expect(outcome(() => ({ x: [x] }), { x })).toThrow(/the result x .*\(Array\) where a tensor/);
    x.dispose();
  });

  it.each([
    "wasm",
    "cpu",
  ] as const)("is the plain function on %s, and compiles again on native", async (name) => {
    const step = compileStep(double);
    await useBackend(name);
    freeing(() => check(step({ x: ones(2) }).y, [2, 2]));
    expect(step.stats).toMatchObject({ route: "eager", traces: 0 });
    const made = tf.ones([2]);
    await useBackend("native");
    freeing(() => check(step({ x: made }).y, [2, 2]));
    expect(step.stats.traces).toBe(1);
    made.dispose();
    step.dispose();
  });

  it("is the plain function wherever `useBackend` forbids compiling, and compiles again afterwards", async () => {
    const step = compileStep(double);
    for (const route of [undefined, ...ROUTES]) {
      const report = await useBackend("native", { compile: false });
      expect(report.compileRoute).toBe("eager");
      expect(report.sentence).toContain("op by op");
      const forbidden = compileStep(double, route ? { route } : {});
      freeing(() => check(forbidden({ x: ones(2) }).y, [2, 2]));
      expect(forbidden.stats).toMatchObject({ route: "eager", traces: 0 });
    }
    expect((await useBackend("native")).compileRoute).toBe(ROUTES[0]);
    freeing(() => step({ x: ones(2) }));
    expect(step.stats).toMatchObject({ route: ROUTES[0], traces: 1 });
    step.dispose();
  });

  it("obeys POSTTRAIN_COMPILE", async () => {
    process.env.POSTTRAIN_COMPILE = "0";
    try {
      expect((await useBackend("native")).compileRoute).toBe("eager");
    } finally {
      delete process.env.POSTTRAIN_COMPILE;
    }
    expect((await useBackend("native")).compileRoute).toBe(ROUTES[0]);
  });

  it("runs by the route that the backend reports", async () => {
    const report = await useBackend("native");
    const step = compileStep(double);
    expect(step.stats.route).toBe(report.compileRoute);
    expect(compileStep(double, { compile: false }).stats.route).toBe("eager");
    step.dispose();
  });
});

it.skipIf(hasNative)(
  "runs everywhere as the plain function where the native library is missing",
  async () => {
    await expect(useBackend("native")).rejects.toThrow(BackendError);
    await useBackend("cpu");
    const step = compileStep(double);
    freeing(() => check(step({ x: ones(2) }).y, [2, 2]));
    expect(step.stats.route).toBe("eager");
  },
);
