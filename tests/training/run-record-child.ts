/** Records steps until it fails, for `run-record.test.ts`. Usage: run-record-child.ts <file> */
import { argv } from "node:process";
import { RunRecord } from "posttrain/training";

const run = new RunRecord({ file: argv[2] as string });
const metrics = { ["loss".repeat(500)]: 1 };
for (let step = 1; ; step++) run.record({ step, epoch: 0, metrics });
