import { PosttrainError } from "posttrain/errors";

/** The kernel did not start, or ended while something was still asked of it. */
export class KernelDiedError extends PosttrainError {}

/** A request was not answered in time. */
export class KernelTimeoutError extends PosttrainError {}

/** A file that is not a notebook, or a name that is none of the course's. */
export class NotebookError extends PosttrainError {}
