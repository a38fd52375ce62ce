import type { BackendName } from "posttrain/backend";
import type { LoraConfig } from "posttrain/lora";
import type { TokenizedExample } from "posttrain/training";

/** Everything random follows from it: fresh weights, fresh adapters, random rows. */
export const SEED = 1;

/** What both sides of a comparison are told to do, in the same words. */
export type Task = TrainTask | GenerateTask | LoadTask | MultiplyTask;

/** Optimizer steps on one batch, AdamW, gradients clipped to 1. */
export interface TrainTask {
  kind: "train";
  /** Folder with safetensors. */
  model: string;
  /** Folder with an adapter in PEFT's format, which is then all that is trained. */
  adapter?: string;
  /** All of `time` tokens. */
  examples: TokenizedExample[];
  time: number;
  learningRate: number;
}

/** Greedy continuation of prompts of equal length. */
export interface GenerateTask {
  kind: "generate";
  model: string;
  prompts: number[][];
  newTokens: number;
  /** How many tokens of each answer are compared. */
  compared: number;
}

/** Reading a model and predicting a short text. */
export interface LoadTask {
  kind: "load";
  /** A GGUF file, or a folder with safetensors. */
  model: string;
  probe: number[];
}

/** x·Wᵀ of two matrices of small whole numbers, whose product is exact. */
export interface MultiplyTask {
  kind: "multiply";
  rows: number;
  inner: number;
  columns: number;
}

/** Does the task `count` times and returns numbers that must be the same on both sides. */
export type RunTurn = (count: number) => Promise<number[]>;

/** One way to run a task. */
export type Side = OurSide | { name: "PyTorch" };

export interface OurSide {
  name: "compiled" | "eager" | "wasm";
  backend: BackendName;
  compile: boolean;
}

export const COMPILED: OurSide = { name: "compiled", backend: "native", compile: true };
export const EAGER: OurSide = { name: "eager", backend: "native", compile: false };
export const WASM: OurSide = { name: "wasm", backend: "wasm", compile: false };
export const PYTORCH: Side = { name: "PyTorch" };

/** A case as one point of a line that shows how the time grows. */
export interface Growth {
  /** What grows, for the axis: "tokens a row". */
  along: string;
  value: number;
}

export interface BenchCase {
  /** What `--only` names. */
  name: string;
  /** What is timed, for a reader. */
  title: string;
  /** What is compared with PyTorch, in this order. */
  sides: OurSide[];
  /** Repetitions in one turn. Short tasks need more, because a process that waited for its turn begins slowly. */
  perTurn: number;
  /** Turns of each side that count. */
  turns: number;
  /** How far the outcomes of two sides may be apart. */
  tolerance: number;
  /** How many of the outcomes are compared, from the first on. @default all */
  compared?: number;
  /** The ratio ours/PyTorch to reach, for each of our sides. */
  targets: Partial<Record<OurSide["name"], number>>;
  /** The lines this case is a point of. */
  growth?: Growth[];
  /** Where the time or memory goes and what was tried; the report says it where a target is missed or there is none. */
  note?: string;
  task(workspace: Workspace): Promise<Task>;
}

/** Where cases find what they need. */
export interface Workspace {
  /** A folder with a fresh GPT-2 of these sizes. */
  freshModel(sizes: object): Promise<string>;
  /** SmolLM2-135M as a folder with safetensors in float32. */
  smolLm(): Promise<string>;
  /** A fresh LoRA adapter for SmolLM2-135M, as a folder in PEFT's format. */
  smolLmAdapter(config: LoraConfig): Promise<string>;
  /** Natural text in tokens of SmolLM2-135M, `count` windows of `length`. */
  text(count: number, length: number): Promise<number[][]>;
}
