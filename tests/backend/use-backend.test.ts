import { tf, useBackend } from "posttrain/backend";
import { expect, it } from "vitest";

it("chooses a backend and says which", async () => {
  const report = await useBackend();
  console.log(String(report));
  expect(await useBackend()).toBe(report);
  expect(tf.getBackend()).toBe(report.tfjsName);
});
