import { readFileSync, writeFileSync } from "node:fs";
import {
  BackendError,
  canUpdateInPlace,
  check,
  compileStep,
  nativeBackend,
  type Tensor,
  tf,
  updateInPlace,
  useBackend,
  type Variable,
} from "posttrain/backend";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freeing, hasNative, ROUTES } from "./native.js";

type X = { x: Tensor };

const variable = (...values: number[]): Variable => tf.tidy(() => tf.variable(tf.tensor1d(values)));

/** v ← v + x, in the variable's own memory. */
function addInPlace(target: Variable, x: () => Tensor): void {
  const { TF_ATTR_TYPE = 0, TF_FLOAT = 0 } = nativeBackend()?.binding ?? {};
  const type = [{ name: "dtype", type: TF_ATTR_TYPE, value: TF_FLOAT }];
  updateInPlace("AssignAddVariableOp", [target], () => [x()], type);
}

/** How a step may change a variable. */
const WAYS: Record<string, (target: Variable, x: Tensor) => void> = {
  "by assign": (target, x) => target.assign(tf.add(target, x)),
  "in place": (target, x) => addInPlace(target, () => tf.mul(x, 1)),
};

const nativeTensors = (): number =>
  (nativeBackend()?.binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();

describe.skipIf(!hasNative)("a variable that a compiled step changes", () => {
  let tensors: number;
  let held: number;
  beforeEach(async () => {
    await useBackend("native");
    tensors = tf.memory().numTensors;
    held = nativeTensors();
  });
  afterEach(() => {
    expect(tf.memory().numTensors, "tensors left behind").toBe(tensors);
    expect(nativeTensors(), "native tensors left behind").toBe(held);
  });

  describe.each(Object.entries(WAYS))("%s", (_, change) => {
    const step = (target: Variable) =>
      compileStep(({ x }: X) => {
        change(target, x);
        return { sum: tf.sum(target) };
      });

    it("leaves clones and what was read of it before as they were", () => {
      const weight = variable(1, 2);
      const add = step(weight);
      const clones: Tensor[] = [];
      for (let i = 0; i < 3; i++) {
        clones.push(tf.clone(weight));
        freeing(() => check(add({ x: tf.ones([2]) }).sum, 5 + 2 * i));
      }
      clones.forEach((clone, i) => {
        check(clone, [1 + i, 2 + i]);
      });
      check(weight, [4, 5]);
      tf.dispose([weight, clones]);
      add.dispose();
    });

    it("takes over what was assigned to it from outside between two runs", () => {
      const weight = variable(1, 2);
      const add = step(weight);
      for (const start of [10, 20, 30]) {
        freeing(() => {
          weight.assign(tf.fill([2], start));
          add({ x: tf.ones([2]) });
          add({ x: tf.ones([2]) });
        });
        check(weight, [start + 2, start + 2]);
      }
      weight.dispose();
      add.dispose();
    });

    it("never changes the array that it was made from", () => {
      const values = Float32Array.from({ length: 64 }, (_, i) => i);
      const weight = tf.tidy(() => tf.variable(tf.tensor1d(values)));
      const add = step(weight);
      for (let i = 0; i < 2; i++) freeing(() => add({ x: tf.ones([64]) }));
      expect([...values.slice(0, 3)]).toEqual([0, 1, 2]);
      weight.dispose();
      add.dispose();
    });

    it("may be an input of the same step", () => {
      const weight = variable(1, 2);
      const add = step(weight);
      for (let i = 0; i < 3; i++) freeing(() => add({ x: weight }));
      check(weight, [8, 16]);
      weight.dispose();
      add.dispose();
    });

    it("belongs to several steps at once, and is read by others", () => {
      const weight = variable(0, 0);
      const [first, second] = [step(weight), step(weight)];
      const read = compileStep(({ x }: X) => ({ y: tf.mul(weight, x) }));
      freeing(() => {
        for (let i = 1; i <= 3; i++) {
          first({ x: tf.ones([2]) });
          check(read({ x: tf.ones([2]) }).y, [11 * i - 10, 11 * i - 10]);
          second({ x: tf.fill([2], 10) });
          check(read({ x: tf.ones([2]) }).y, [11 * i, 11 * i]);
        }
      });
      weight.dispose();
      for (const each of [first, second, read]) each.dispose();
    });

    it("keeps its value when the run fails, whichever part fails", () => {
      const weight = variable(1, 2, 3);
      const other = variable(0, 0, 0);
      const failing = compileStep(({ x, ids }: X & { ids: tf.Tensor1D }) => {
        change(other, x);
        change(weight, x);
        return { beside: tf.gather(x, ids) };
      });
      freeing(() => {
        failing({ x: tf.ones([3]), ids: tf.tensor1d([0, 2], "int32") });
        for (let i = 0; i < 10; i++) {
          const ids = tf.tensor1d([0, 7], "int32");
          expect(() => failing({ x: tf.ones([3]), ids })).toThrow(/not in \[0, 3\)/);
        }
      });
      check(weight, [2, 3, 4]);
      check(other, [1, 1, 1]);
      tf.dispose([weight, other]);
      failing.dispose();
    });

    it("is read on another backend, changed there, and goes on here", async () => {
      const weight = variable(1, 2);
      const add = step(weight);
      freeing(() => add({ x: tf.ones([2]) }));
      await useBackend("cpu");
      check(weight, [2, 3]);
      tf.tidy(() => weight.assign(tf.mul(weight, 10)));
      await useBackend("native");
      freeing(() => add({ x: tf.ones([2]) }));
      check(weight, [21, 31]);
      weight.dispose();
      add.dispose();
    });

    it("counts as one tensor, however often it is changed", () => {
      const weight = variable(1, 2);
      const { numTensors, numBytes, numDataBuffers } = tf.memory();
      const add = step(weight);
      for (let i = 0; i < 100; i++) freeing(() => add({ x: tf.ones([2]) }));
      expect(tf.memory()).toMatchObject({ numTensors, numBytes, numDataBuffers });
      weight.dispose();
      add.dispose();
    });

    it("is freed with its data, and cannot be used afterwards", () => {
      for (let i = 0; i < 5; i++) {
        const weight = variable(1, 2);
        const add = step(weight);
        freeing(() => add({ x: tf.ones([2]) }));
        weight.dispose();
        freeing(() => expect(() => add({ x: tf.ones([2]) })).toThrow("disposed"));
        add.dispose();
      }
    });
  });

  it("in place or not, is read in order: before, between and after the changes", () => {
    const weight = variable(1, 2);
    const step = compileStep(({ x }: X) => {
      const before = tf.clone(weight);
      addInPlace(weight, () => tf.mul(x, 1));
      const between = tf.clone(weight);
      addInPlace(weight, () => tf.mul(weight, 2));
      const product = tf.mul(weight, x);
      weight.assign(tf.sub(weight, 1));
      const assigned = tf.clone(weight);
      addInPlace(weight, () => tf.mul(x, 3));
      return { before, between, product, assigned, change: tf.sub(weight, before) };
    });
    for (const [a, b] of [
      [1, 2],
      [8, 11],
    ] as const) {
      tf.tidy(() => {
        const result = step({ x: tf.ones([2]) });
        check(result.before, [a, b]);
        check(result.between, [a + 1, b + 1]);
        check(result.product, [3 * (a + 1), 3 * (b + 1)]);
        check(result.assigned, [3 * a + 2, 3 * b + 2]);
        check(result.change, [2 * a + 5, 2 * b + 5]);
      });
    }
    check(weight, [29, 38]);
    weight.dispose();
    step.dispose();
  });

  it("changes where it is updated in place outside of any step too, and its clones do not", () => {
    const weight = variable(1, 2);
    const clone = tf.clone(weight);
    for (let i = 0; i < 3; i++) addInPlace(weight, () => tf.ones([2]));
    check(weight, [4, 5]);
    check(clone, [1, 2]);
    tf.dispose([weight, clone]);
  });

  it("is refused a change in place, by name, where that cannot be", async () => {
    const weight = variable(1, 2);
    const step = compileStep(
      ({ x }: X) => {
        addInPlace(weight, () => tf.mul(x, 1));
        return {};
      },
      { route: "session" },
    );
    freeing(() => expect(() => step({ x: tf.ones([2]) })).toThrow("cannot change variables in place"));
    await useBackend("cpu");
    expect(canUpdateInPlace()).toBe(false);
    freeing(() => expect(() => addInPlace(weight, () => tf.ones([2]))).toThrow(BackendError));
    check(weight, [1, 2]);
    await useBackend("native");
    weight.dispose();
    step.dispose();
  });

  it("swaps its value with another one", () => {
    const [a, b] = [variable(1), variable(2)];
    const swap = compileStep(({ x }: X) => {
      const old = tf.mul(a, x);
      a.assign(tf.mul(b, x));
      b.assign(old);
      return {};
    });
    for (let i = 1; i <= 3; i++) {
      freeing(() => swap({ x: tf.ones([1]) }));
      check(a, [i % 2 ? 2 : 1]);
      check(b, [i % 2 ? 1 : 2]);
    }
    tf.dispose([a, b]);
    swap.dispose();
  });

  it("is left to the formula where a graph returns new values: in a session, and with XLA", () => {
    const weight = variable(1, 2);
    const seen: boolean[] = [];
    const grow = ({ x }: X) => {
      seen.push(canUpdateInPlace());
      weight.assign(tf.add(weight, x));
      return {};
    };
    const steps = [
      ...ROUTES.map((route) => compileStep(grow, { route })),
      ...(ROUTES.includes("func") ? [compileStep(grow, { xla: true })] : []),
    ];
    for (let i = 0; i < 2; i++) for (const step of steps) freeing(() => step({ x: tf.ones([2]) }));
    check(weight, [1 + 2 * steps.length, 2 + 2 * steps.length]);
    expect(seen).toEqual(ROUTES.includes("func") ? [true, false, false] : [false]);
    weight.dispose();
    for (const step of steps) step.dispose();
  });

  it.skipIf(process.platform !== "linux")("needs no memory for a second copy", () => {
    const megabytes = 128;
    const learn = (target: Variable) =>
      compileStep(({ x }: X) => {
        addInPlace(target, () => tf.reshape(x, x.shape));
        return {};
      });
    const small = variable(1, 2);
    const warmUp = learn(small);
    freeing(() => warmUp({ x: tf.ones([2]) }));
    const weight = tf.tidy(() => tf.variable(tf.mul(tf.ones([megabytes * 2 ** 18]), 1)));
    const step = learn(weight);
    const x = tf.tidy(() => tf.mul(weight, 1));

    const kilobytes = (field: string): number =>
      Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
    writeFileSync("/proc/self/clear_refs", "5"); // the peak starts anew
    const before = kilobytes("VmRSS");
    for (let i = 0; i < 5; i++) freeing(() => step({ x }));
    expect((kilobytes("VmHWM") - before) / 1024).toBeLessThan(megabytes / 2);
    freeing(() => check(tf.slice(weight, [7], [1]), [6]));
    tf.dispose([weight, small, x]);
    for (const each of [step, warmUp]) each.dispose();
  });
});
