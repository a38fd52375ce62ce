import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const src = fileURLToPath(new URL("./src/", import.meta.url));

/** Tests that start kernels, install packages or load real models. */
const system = [
  "tests/kernel/{errors,interrupt,outputs,protocol,variables}.test.ts",
  "tests/runner/{book,client,main,notebook,run-notebook}.test.ts",
  "tests/package/*.test.ts",
  "tests/backend/{use-backend,webgpu,same-numbers}.test.ts",
  "tests/backend/compile/*.test.ts",
  "tests/datasets/*.test.ts",
  "tests/diagnostics/webgpu.test.ts",
  "tests/display/static-plot.test.ts",
  "tests/figures/pictures.test.ts",
  "tests/files/damaged-*.test.ts",
  "tests/lora/peft-round-trip.test.ts",
  "tests/model/{backends,generate,golden,recompute-memory}.test.ts",
  "tests/sft/{compiled,train}.test.ts",
  "tests/training/checkpoint.test.ts",
];

export default defineConfig({
  resolve: {
    // Tests import the package by its own name, as a user would, and get the sources.
    alias: [
      { find: "posttrain/errors", replacement: `${src}errors.ts` },
      { find: /^posttrain\/(\w+)$/, replacement: `${src}$1/index.ts` },
    ],
  },
  test: {
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: "unit", include: ["tests/**/*.test.ts"], exclude: system } },
      // One file at a time: what these start uses every core by itself. Processes, signals and sockets on a busy
      // machine may miss a deadline once; a defect misses it every time.
      { extends: true, test: { name: "system", include: system, fileParallelism: false, retry: 2 } },
    ],
  },
});
