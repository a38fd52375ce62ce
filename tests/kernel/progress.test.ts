import { describe, expect, it } from "vitest";
import { progressBundle } from "../../kernel-extensions/progress/bar.js";
import { formatDuration, formatRate } from "../../kernel-extensions/progress/duration.js";
import { withProgress } from "../../kernel-extensions/progress/progress.js";

describe("durations and rates", () => {
  it.each([
    [0.04, "0.0 s"],
    [9.94, "9.9 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [59.6, "1 min 00 s"],
    [185, "3 min 05 s"],
    [3725, "1 h 02 min"],
    [Number.POSITIVE_INFINITY, "?"],
  ])("%f seconds read %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it("counts per second when fast and seconds each when slow", () => {
    expect(formatRate(25, 2)).toBe("12.5 / s");
    expect(formatRate(5000, 2)).toBe("2,500 / s");
    expect(formatRate(2, 5)).toBe("2.5 s each");
    expect(formatRate(0, 1)).toBe("");
  });
});

describe("the bar", () => {
  const state = { label: "training", done: 25, total: 100, elapsed: 10, status: "running" } as const;

  it("says how far it is and how long it will take", () => {
    expect(progressBundle(state)["text/plain"]).toBe(
      "training ██████░░░░░░░░░░░░░░░░░░ 25/100 · 2.5 / s · 10 s · 30 s left",
    );
  });

  it("does not promise an end that it does not know", () => {
    expect(progressBundle({ ...state, total: undefined })["text/plain"]).toBe("training 25 · 2.5 / s · 10 s");
  });

  it("escapes its label in HTML", () => {
    expect(progressBundle({ ...state, label: "<b>&" })["text/html"]).toContain("&lt;b&gt;&amp;");
  });

  it("never fills beyond its end", () => {
    expect(progressBundle({ ...state, done: 250 })["text/html"]).toContain("width:100.0%");
  });
});

describe("withProgress", () => {
  const shown: string[] = [];
  const show = (bundle: Record<string, string>) => shown.push(bundle["text/plain"] ?? "");

  it("knows the length of arrays and the size of maps", () => {
    for (const items of [
      [1, 2],
      new Map([
        ["a", 1],
        ["b", 2],
      ]),
    ]) {
      shown.length = 0;
      expect([...(withProgress<unknown>(items, {}, show) as Generator)]).toHaveLength(2);
      expect(shown[0]).toContain("0/2");
      expect(shown.at(-1)).toContain("✓ 2/2");
    }
  });

  it("closes what it iterates when the loop is left or fails", async () => {
    let closed = 0;
    async function* items() {
      try {
        for (let i = 0; i < 3; i++) {
          if (i === 2) throw new Error("broken");
          yield i;
        }
      } finally {
        closed++;
      }
    }
    const loop = async () => {
      for await (const _ of withProgress(items(), { total: 3 }, show) as AsyncGenerator);
    };
    await expect(loop()).rejects.toThrow("broken");
    expect(closed).toBe(1);
    expect(shown.at(-1)).toContain("stopped at 2/3");
  });

  it("refuses what cannot be iterated", () => {
    expect(() => withProgress(5 as never, {}, show)).toThrow(TypeError);
  });
});
