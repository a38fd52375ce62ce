import type { BenchCase } from "../types.js";
import { generation } from "./generate.js";
import { loading } from "./load.js";
import { multiplication } from "./multiply.js";
import { freshSteps } from "./train-fresh.js";
import { smolLmSteps } from "./train-smollm.js";

export const CASES: readonly BenchCase[] = [
  multiplication,
  ...freshSteps,
  ...smolLmSteps,
  ...generation,
  ...loading,
];
