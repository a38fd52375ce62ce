import { availableParallelism, cpus } from "node:os";

/** The processor as a person knows it: "AMD EPYC, 2 threads". */
export function describeProcessor(threads = availableParallelism()): string {
  const model =
    cpus()[0]
      ?.model.replace(/\((R|TM)\)/g, "")
      .trim() || process.arch;
  return `${model}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}
