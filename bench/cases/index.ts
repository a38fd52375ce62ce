import type { BenchCase } from "../types.js";
import { generation } from "./generate.js";
import { loading } from "./load.js";
import { freshSteps } from "./train-fresh.js";
import { smolLmSteps } from "./train-smollm.js";

export const CASES: readonly BenchCase[] = [...freshSteps, ...smolLmSteps, ...generation, ...loading];
