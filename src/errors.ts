/**
 * Every error this library throws on purpose: a stable `code` to test for, the offending `value`,
 * and a `hint` that says how to mend it. Rooms subclass it to give their errors a name of their own.
 */
export class PosttrainError extends Error {
  /** Stable identifier, for example `"model/missing-tensor"`: `<room>/<what went wrong>`. */
  readonly code: string;
  /** What was found where something else was expected. */
  readonly value: unknown;
  /** One sentence that tells the reader what to do next. */
  readonly hint: string;

  constructor(message: string, { code, value, hint, cause }: PosttrainErrorDetails) {
    super(hint ? `${message}\nHint: ${hint}` : message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.value = value;
    this.hint = hint;
  }
}

export interface PosttrainErrorDetails {
  code: string;
  value?: unknown;
  hint: string;
  cause?: unknown;
}

/** Tensors whose shapes do not fit together. */
export class ShapeError extends PosttrainError {}

/** An option outside its domain: a negative temperature, an unknown name, a NaN rate. */
export class OptionError extends PosttrainError {}

/** A file or a record from outside that is damaged, truncated or not what it claims to be. */
export class DataError extends PosttrainError {}
