import { PosttrainError } from "../errors.js";

/** An adapter that cannot be added, found, switched or merged. The model is left as it was. */
export class AdapterError extends PosttrainError {}
