import { PosttrainError } from "../errors.js";

/** A backend that cannot run here. The message is the reason; `value` is the backend's name. */
export class BackendError extends PosttrainError {}

/** How a train step made by `compileStep` runs: one TensorFlow function, one saved graph, or op by op. */
export type CompileRoute = "func" | "session" | "eager";

/** What a backend says of itself once it has started. */
export interface Started {
  /** The name under which tfjs knows it. */
  readonly tfjsName: string;
  /** Where it computes, for a person: "the CPU (AMD EPYC, 2 threads)". */
  readonly device: string;
  /** The library that computes and its version: "TensorFlow 2.18.1". */
  readonly version: string;
  readonly compileRoute: CompileRoute;
}

/**
 * Makes one backend ready for tfjs to select.
 *
 * @param asked whether a person asked for this backend by name: only then is a software imitation of a GPU good enough
 * @throws {BackendError} whose message is the reason why it cannot run
 */
export type Candidate = (asked: boolean) => Promise<Started>;
