import { PosttrainError } from "../errors.js";

/** A run that cannot go on: the loss is no longer a number, or a checkpoint belongs to another run. */
export class TrainingError extends PosttrainError {}

/** A checkpoint that could not be written or read. The last good one stays where it was. */
export class CheckpointError extends PosttrainError {}
